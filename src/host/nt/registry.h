/**
 * \file
 * The registry's tree, for registry.c (the Zw calls), regtree.c (the tree and its use by path) and
 * regfile.c (keeping it in a file).
 */
#ifndef HOST_NT_REGISTRY_H
#define HOST_NT_REGISTRY_H

#include "nt/io_internal.h"

/** A counted name; compared without regard to case. */
struct reg_name {
    WCHAR *text; /* malloc'ed, NUL-terminated. */
    size_t chars;
};

struct reg_value {
    struct reg_name name;
    ULONG type, length;
    void *data;
    struct reg_value *next;
};

/** A key. Kept by its parent and by every handle's object. */
struct reg_key {
    struct reg_name name;
    struct reg_key *parent, *children, *next; /* Children in order of creation. */
    struct reg_value *values;
    unsigned references;
    bool deleted;     /* No longer in the tree. */
    bool is_volatile; /* Not kept in the file. */
    LONGLONG written; /* Machine time of the last change. */
};

/** All of the following want the registry's lock. */
void reg_lock(void);
void reg_unlock(void);
struct reg_key *reg_root(void);
/** \param path relative to `from`, components between backslashes. \param create 0 = none, 1 = the
 *  last, 2 = all.
 *  \return the key; NULL with *status set. *created tells whether the last one was made. */
struct reg_key *reg_find(struct reg_key *from, const WCHAR *path, size_t chars, int create,
                         bool *created, NTSTATUS *status);
struct reg_value *reg_value_find(const struct reg_key *key, const WCHAR *name, size_t chars);
NTSTATUS reg_value_set(struct reg_key *key, const WCHAR *name, size_t chars, ULONG type,
                       const void *data, ULONG length);
bool reg_value_delete(struct reg_key *key, const WCHAR *name, size_t chars);
/** Takes a key out of the tree; it dies with its last reference. With `tree`, all below it too. */
NTSTATUS reg_key_delete(struct reg_key *key, bool tree);
void reg_key_reference(struct reg_key *key);
void reg_key_dereference(struct reg_key *key);
void reg_tree_clear(void);
/** Finds "HKLM\\...", "HKEY_LOCAL_MACHINE\\..." or "\\Registry\\...", UTF-8. \param create as for
 *  reg_find. \return the key, or NULL; the lock is held afterwards, in both cases. */
struct reg_key *reg_path_lock(const char *path, int create);

/* regfile.c */
/** Takes the file for this machine, and makes it if there is none. \return a descriptor that holds
 *  the lock until it is closed, or -1. */
int regfile_lock(const char *path, struct host_error *error);
bool regfile_load(const char *path, struct host_error *error);
bool regfile_save(const char *path, struct host_error *error);

#endif
