/**
 * \file
 * What the files of the I/O manager share among themselves.
 */
#ifndef HOST_NT_IO_INTERNAL_H
#define HOST_NT_IO_INTERNAL_H

#include "nt/iothread.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* device.c */
/** The devnode's instance id, or NULL when the device is no PDO. */
const char *nt_device_instance(PDEVICE_OBJECT pdo);
void nt_device_halt(void);

/* fspath.c: from an NT path to an open POSIX file, with the rights of a user. */

/** Where an NT path leads. */
struct fs_name {
    char *path;  /**< What follows the root, "/a/b", malloc'ed; "/" for the root itself. */
    bool remote; /**< Below the UNC root. */
    bool must_be_directory; /**< The NT path ended in a backslash. */
};
NTSTATUS fs_name_parse(PCUNICODE_STRING nt_path, struct fs_name *name);

/** What a walk found; descriptors are O_PATH. */
struct fs_place {
    int parent;     /**< Directory of the last component. */
    int file;       /**< The file itself, or -1 when it does not exist. */
    char last[256]; /**< Name of the last component, symbolic links resolved; "" for the root. */
    struct stat status; /**< Of the file. */
};
/** Walks the path; every directory on it, and every symbolic link, is checked for `who`. \param who
 *  NULL = no check. */
NTSTATUS fs_walk(const struct fs_name *name, const struct nt_token *who, struct fs_place *place);
void fs_place_close(struct fs_place *place);

/** Has `who` these rights (bits of 4 read, 2 write, 1 execute or search) by owner, group and
 *  mode? */
bool fs_permits(const struct stat *status, const struct nt_token *who, unsigned rights);
/** Owner for a file that `who` creates. */
gid_t fs_group_of(const struct nt_token *who);
void fs_set_unc_root(const char *path);

/* fsfault.c: faults on order. */

/** What a fault rule does to one operation. */
struct fs_effect {
    int error;         /**< errno, 0 = none. */
    uint32_t short_to; /**< Bytes that move at most. */
    bool hang;
};
/** The effect of the rules on the next operation of this kind. */
struct fs_effect fs_next_effect(enum host_file_op op);
/** Blocks a synchronous operation until host_file_release. \irql{PASSIVE_LEVEL} */
void fs_hang(void);
void fs_release_hung(void);

/* fsd.c: the file system's devices. */

/** One opening; FILE_OBJECT.FsContext2. */
struct fs_open {
    int fd;
    struct fs_node *node;
    ACCESS_MASK access;
    bool path_only; /**< Only attributes may be asked: O_PATH. */
    bool remote;
    bool directory;
    dev_t device;
    PFILE_OBJECT file;
    struct fs_open *next; /**< All openings; fsd.c's list lock. */
};
/** A file that is open at least once; FILE_OBJECT.FsContext. */
struct fs_node {
    dev_t device;
    ino_t inode;
    unsigned references;
    unsigned open_count, readers, writers, deleters, shared_read, shared_write, shared_delete;
    bool sparse; /**< FSCTL_SET_SPARSE; kept as long as the file is open. */
    struct fs_node *next;
};

PDEVICE_OBJECT fsd_device(bool remote);
bool fsd_boot(void);
void fsd_halt(void);
/** Joins the openings of a file if the share rules allow it. \return false = sharing violation. */
bool fsd_share(struct fs_open *open, const struct stat *status, ACCESS_MASK access, ULONG share);
/** Takes the opening's access out of the share rules: IRP_MJ_CLEANUP. */
void fsd_unshare(struct fs_open *open);
void fsd_forget(struct fs_open *open);
/** Openings that are not closed: all of them, and those on one volume. */
uint64_t fsd_open_count(void);
unsigned fsd_open_on(dev_t device);
/** The bytes of a read or write: moved in a loop over short transfers and interrupts. */
NTSTATUS fsd_read(struct fs_open *open, void *data, uint32_t length, int64_t offset,
                  struct fs_effect effect, ULONG_PTR *moved);
NTSTATUS fsd_write(struct fs_open *open, const void *data, uint32_t length, int64_t offset,
                   bool through, struct fs_effect effect, ULONG_PTR *moved);
NTSTATUS fsd_flush(struct fs_open *open, struct fs_effect effect);

/* fscontrol.c */
/** What an IRP_MJ_FILE_SYSTEM_CONTROL asks for. \param written bytes of output. */
NTSTATUS fs_control(PIRP irp, struct fs_effect effect, size_t *written);

/* notify.c, registry.c, regfile.c, security.c */
void notify_halt(void);
bool registry_boot(const char *file, struct host_error *error);
bool registry_halt(struct host_error *error);
void security_boot(void);
void security_halt(void);
/** Token objects that exist besides those of the processes. */
uint64_t security_token_count(void);

#endif
