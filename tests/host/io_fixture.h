/**
 * \file
 * What the suites of the I/O manager share: a machine without drivers, a directory of its own,
 * opens and IRPs in a line.
 */
#ifndef TESTS_HOST_IO_FIXTURE_H
#define TESTS_HOST_IO_FIXTURE_H

#include "support/child.h"

#include "nt/io.h"

/** Boots scheduler and I/O manager; ends the child when that fails. */
void io_boot(enum sched_kind kind, uint64_t seed, bool verifier);
/** Halts them; a census that is not clean ends the child. */
void io_halt(void);

/** A new empty directory; removed, with its files, by io_remove_directory. Searchable by every
 *  user. */
const char *io_directory(void);
void io_remove_directory(void);
/** Path of a name in it; in a static buffer, one of four in turn. */
const char *io_path(const char *name);
/** Makes a file of `size` bytes whose byte i is i * 7. */
void io_make_file(const char *name, size_t size);

/** An NT string of UTF-8; the memory is never freed. */
UNICODE_STRING io_string(const char *utf8);
/** "\??\Z:" and the path of a name in the directory. */
UNICODE_STRING io_nt_path(const char *name);

/** ZwCreateFile with the usual arguments; `attributes` are OBJ_*. \return its status; the same in
 *  *iosb. */
NTSTATUS io_create(const char *name, ACCESS_MASK access, ULONG share, ULONG disposition,
                   ULONG options, ULONG attributes, HANDLE *file, IO_STATUS_BLOCK *iosb);
/** Opens an existing file for reading and writing, sharing everything. */
HANDLE io_open(const char *name);
PFILE_OBJECT io_file_object(HANDLE file);

/** Sends one read, write or flush and waits. \return final status; *moved = Information. */
NTSTATUS io_transfer(PFILE_OBJECT file, UCHAR major, UCHAR flags, void *data, ULONG length,
                     int64_t offset, ULONG_PTR *moved);

#endif
