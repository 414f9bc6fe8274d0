/**
 * \file
 * What the simulated I/O manager offers to the rest of the host: MDLs whose address does not work,
 * drivers and device objects made by hand, the file system under the drivers, tokens, the registry
 * by path. A driver sees none of it.
 */
#ifndef HOST_NT_IO_H
#define HOST_NT_IO_H

#include "host.h"
#include "nt/nt.h"

/* --- boot and halt --- */

/** Brings the I/O manager up: file system devices, registry, tokens. Called once per machine, after
 *  the scheduler.
 *  \param unc_root       directory that holds SERVER/SHARE/...; NULL = no network.
 *  \param registry_file  text file that keeps the registry; NULL = in memory only. */
bool nt_io_boot(const char *unc_root, const char *registry_file, struct host_error *error);
/** Takes it down again; the registry is saved. Files that drivers left open stay in the object
 *  census. */
bool nt_io_halt(struct host_error *error);

/* --- low resources --- */

enum nt_io_fault {
    NT_IO_FAIL_IRP,
    NT_IO_FAIL_MDL,
    NT_IO_FAIL_MAP,
    NT_IO_FAIL_COMPLETION,
    NT_IO_FAULT_KINDS
};
/** From now on the n-th allocation of an IRP or MDL, the n-th mapping, or the n-th
 *  IoSetCompletionRoutineEx fails: once, or every one from then on. 0 = none fails. */
void nt_io_fail(enum nt_io_fault what, unsigned nth, bool from_then_on);

/* --- MDLs (nt/mdl.c) --- */

/**
 * Describes `memory` to a driver under an address of its own choosing, which need not be one that
 * works.
 *
 * The port driver hands READ and WRITE buffers out this way: the SRB's DataBuffer and
 * MmGetMdlVirtualAddress are `claimed_va`, and only a mapping gives the memory. The offset in the
 * page is that of `claimed_va`.
 * \return a locked MDL, to be given back with nt_mdl_free; NULL without memory. It is not in the
 * census.
 */
PMDL nt_mdl_create(void *claimed_va, void *memory, ULONG length);
void nt_mdl_free(PMDL mdl);
/** \return where the bytes of an MDL really are. A broken or too short MDL is a bugcheck. */
void *nt_mdl_memory(PMDL mdl, ULONG length);
/** MDLs of drivers that exist; mappings that exist. */
uint64_t nt_mdl_count(void);
uint64_t nt_mdl_mapped_count(void);

/* --- IRPs (nt/irp.c) --- */

/** IRPs of drivers that exist. */
uint64_t nt_irp_count(void);
/** An IRP that the host itself keeps (a request of the host API): no driver left it behind. */
void nt_irp_disown(PIRP irp);
/** Sends an IRP that the caller has built and waits for it. \return IoStatus.Status; the IRP still
 *  exists.
 *  \irql{PASSIVE_LEVEL} */
NTSTATUS nt_irp_send(PDEVICE_OBJECT device, PIRP irp);

/* --- drivers and devices (nt/device.c) --- */

/** Makes a driver object: every dispatch routine fails with STATUS_INVALID_DEVICE_REQUEST. `name`
 *  e.g. "\\Driver\\x". */
PDRIVER_OBJECT nt_driver_create(const char *name);
/** Names the devnode that a PDO stands for: "ROOT\\SCSIADAPTER\\0000". Makes it a PDO for
 *  IoRegisterDeviceInterface, IoGetDeviceProperty and IoOpenDeviceRegistryKey. */
void nt_device_set_instance(PDEVICE_OBJECT pdo, const char *instance);
/** Enabled device interfaces. */
uint64_t nt_interface_count(void);
/** \return the device (referenced) that has an enabled interface of this class, or NULL. */
PDEVICE_OBJECT nt_interface_find(const GUID *interface_class);

/* --- strings --- */

/** UTF-8 of a counted UTF-16 string, malloc'ed; NULL when it is not valid UTF-16 or there is no
 *  memory. */
char *nt_utf8(const WCHAR *text, size_t chars);
/** UTF-16 of UTF-8, malloc'ed and NUL-terminated; NULL when it is not valid. \param chars receives
 *  the length. */
WCHAR *nt_utf16(const char *text, size_t *chars);

/** Upper case of one UTF-16 unit, one to one, as NT compares names. */
WCHAR nt_upcase(WCHAR unit);

/* --- the file system (nt/fspath.c, file.c, fsd.c, fsfault.c) --- */

/** NTSTATUS for an errno of a file operation. */
NTSTATUS nt_status_of_errno(int error);

/* --- tokens (nt/security.c) --- */

struct nt_token {
    enum host_user user;
    unsigned uid;
};
/** Whom the current thread acts as: its impersonation token, else its process's. */
struct nt_token nt_token_effective(void);
/** Does a security descriptor in text form (SDDL) give this kind of user all of the access? A text
 *  without a DACL gives everybody everything; what is malformed gives nothing. \param access GENERIC_*
 *  or specific rights (nt/sddl.c). */
bool nt_sddl_allows(const char *sddl, enum host_user user, ACCESS_MASK access);

/* --- the registry by path (nt/registry.c) --- */

/** Paths are "\\Registry\\Machine\\..." or begin with HKLM, in UTF-8. Missing keys are made by the
 *  setters. */
bool nt_registry_set(const char *path, const char *value, ULONG type, const void *data,
                     ULONG length);
bool nt_registry_set_dword(const char *path, const char *value, uint32_t data);
/** REG_SZ, or with `multi` REG_MULTI_SZ of lines separated by '\n'. */
bool nt_registry_set_string(const char *path, const char *value, const char *utf8, bool multi);
/** \return a malloc'ed copy of the value's data, or NULL. */
void *nt_registry_get(const char *path, const char *value, ULONG *type, ULONG *length);
/** \return a REG_SZ as UTF-8, malloc'ed, or NULL. */
char *nt_registry_get_string(const char *path, const char *value);
bool nt_registry_create_key(const char *path);
/** Removes a key with everything below it. */
bool nt_registry_delete_tree(const char *path);
bool nt_registry_delete_value(const char *path, const char *value);
bool nt_registry_key_exists(const char *path);
/** Name of the index-th subkey, UTF-8, malloc'ed; NULL past the end. */
char *nt_registry_subkey(const char *path, unsigned index);

/* --- PnP notification (nt/notify.c) --- */

/** Registrations that exist. */
uint64_t nt_notification_count(void);
/** Volumes have no device that Plug and Play knows: a registration for one is refused with
 *  STATUS_INVALID_DEVICE_REQUEST. */
void nt_notification_refuse(bool refuse);

#endif
