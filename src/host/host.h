/**
 * \file
 * The host API: a small Windows machine in this process, for tools and tests. One machine per process.
 *
 * Order of use: host_boot, host_install (INF -> registry and devnode), host_start (the driver is loaded and started by
 * PnP), host_scan, requests and IOCTLs, host_remove, host_unload, host_halt. Under the seeded scheduler the caller is
 * one simulated thread among the others; under the real one any number of POSIX threads may call, each is attached on
 * first use.
 *
 * Every function is called as a thread of user mode would call it: \irql{PASSIVE_LEVEL} \locks{none}. Only the `done`
 * callbacks of requests and IOCTLs come at \irql{<= DISPATCH_LEVEL}, in whichever thread completes.
 *
 * Errors: functions that can fail for a reason a user should read return false (or NULL) and fill a host_error: what
 * happened to which thing, and what to do about it. A rule broken by the driver is never returned: it is a bugcheck.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nt/sched.h"
#include "nt/trace.h"

struct host_error {
    char message[320]; /**< What is wrong, naming the thing. */
    char remedy[320];  /**< What to do. */
    int32_t status;    /**< NTSTATUS, where there is one. */
};

enum host_srb_type { HOST_SRB_DEFAULT, HOST_SRB_LEGACY, HOST_SRB_EXTENDED };

struct host_options {
    struct sched_options sched;
    bool verifier;               /**< The expensive checks (special pool, censuses ...). */
    enum host_srb_type srb_type; /**< Which SRBs the port sends, if the miniport takes both. */
    const char *
        unc_root; /**< Directory that stands for \\\\server\\share\\ (below it: SERVER/SHARE/...). */
    const char *registry_file; /**< Keeps the registry between runs; NULL = in memory. */
    bool
        adapter_control_passive; /**< Call ScsiStopAdapter/ScsiRestartAdapter at PASSIVE instead of DISPATCH_LEVEL. */
    bool
        no_class_drivers; /**< Units are found, but neither disk.sys nor cdrom.sys starts on them. */
    bool
        reset_bus_passive; /**< Call HwResetBus at PASSIVE (as the 2009 article says) instead of DISPATCH. */
};

/** Boots the machine. */
bool host_boot(const struct host_options *options, struct host_error *error);
/** Shuts it down: SHUTDOWN SRBs, remove, unload if still there, then the census of the whole machine; the registry is
 *  kept, if it is to be.
 *  \return number of things that leaked or could not be kept (0 = clean); each is described on `report` when not NULL. */
unsigned host_halt(FILE *report);
/** Before the process ends with a bugcheck, `observe` is called once: a tool writes its trace. NULL = nobody. */
void host_on_bugcheck(void (*observe)(void));

/** A bugcheck, as the blue screen tells it. */
struct host_bugcheck {
    uint32_t code;
    uint64_t parameter[4];
    const char *name;  /**< "DRIVER_VERIFIER_DETECTED_VIOLATION" ... */
    const char *text;  /**< The rule that was broken, and the details. */
    const char *where; /**< Innermost driver function on the stack, when known. */
};
/** In host_on_bugcheck's function: what it is about. */
const struct host_bugcheck *host_bugcheck(void);

/* --- installation and the adapter's life --- */

/** Installs a driver package: registry and one root-enumerated devnode; its catalog is not looked for. install.h has more.
 *  \param driver_file the image that stands for the service's binary (a .so or .sys), instead of the one that the INF
 *  names. \param hwid NULL = the INF's first. */
bool host_install(const char *inf_path, const char *hwid, const char *driver_file,
                  struct host_error *error);
/** Installs a service and devnode without an INF (tests of foreign miniports). */
bool host_install_bare(const char *service, const char *driver_file, bool with_devnode,
                       struct host_error *error);
/** Writes a REG_DWORD (or REG_SZ/REG_MULTI_SZ) below Services\\SERVICE\\Parameters before start. */
bool host_set_parameter(const char *service, const char *name, uint32_t value);
bool host_set_parameter_string(const char *service, const char *name, const char *utf8, bool multi);
/** Loads the driver if needed and starts the devnode: DriverEntry, AddDevice, START_DEVICE, first bus scan. */
bool host_start(struct host_error *error);
/** Stops and restarts the adapter as a power transition does: ScsiStopAdapter, ScsiRestartAdapter. */
bool host_adapter_stop(struct host_error *error);
bool host_adapter_restart(struct host_error *error);
/** QUERY_REMOVE and REMOVE of the adapter: to HwFreeAdapterResources. */
bool host_remove(struct host_error *error);
/** Unloads the driver: DriverUnload, census, image unmapped. */
bool host_unload(struct host_error *error);
/** Says why nothing happens (no devnode, not started, refused and for which reason): one paragraph of plain words. */
void host_why(FILE *out);

/* --- the bus --- */

struct host_unit {
    uint8_t path, target, lun;
    uint8_t device_type; /**< INQUIRY peripheral device type. */
    bool removable;
    bool claimed; /**< A class driver started on it. */
    char vendor[9], product[17], revision[5], serial[65];
    uint32_t block_size; /**< From READ CAPACITY, 0 = none (no medium). */
    uint64_t block_count;
    bool write_protected;
};

/** Scans the bus now and lets the class drivers start on what arrived. \return units present. */
unsigned host_scan(void);
/** Waits until scans that the driver asked for (BusChangeDetected) are done. */
void host_settle(void);
/** \return units present; the first `count` are copied. */
unsigned host_units(struct host_unit *units, unsigned count);
/** The bus type that the adapter reports: STORAGE_BUS_TYPE. */
uint32_t host_bus_type(void);

/* --- requests --- */

enum host_direction { HOST_DATA_NONE, HOST_DATA_IN, HOST_DATA_OUT };

/** One SCSI command. The caller owns it, from host_request_create to host_request_free. */
struct host_request {
    /* In. */
    uint8_t path, target, lun;
    uint8_t cdb[32];
    uint8_t cdb_length;
    enum host_direction direction;
    void *data;           /**< The buffer; may begin anywhere in a page. */
    uint32_t data_length; /**< DataTransferLength that the SRB announces. */
    uint32_t
        mdl_offset; /**< The SRB's data begin this many bytes into the MDL (a split request); the MDL's earlier
                                bytes lie before `data`, the caller guarantees they exist. */
    uint8_t sense_length; /**< Sense buffer that the SRB offers, 0..255; 0 = none. Default 255. */
    bool no_autosense;    /**< SRB_FLAGS_DISABLE_AUTOSENSE. */
    uint32_t timeout;     /**< Seconds; 0 = 10. */
    uint8_t function;     /**< SRB_FUNCTION_*, EXECUTE_SCSI (0) by default. */
    void (*done)(
        struct host_request
            *);    /**< Called when it has ended, at <= DISPATCH_LEVEL; NULL: only host_wait. */
    void *context; /**< The caller's. */

    /* Out, valid when done. */
    uint8_t srb_status; /**< With its flag bits. */
    uint8_t scsi_status;
    uint32_t transferred; /**< The SRB's DataTransferLength. */
    uint8_t sense[255];
    uint8_t sense_valid; /**< Bytes of sense data, 0 without AUTOSENSE_VALID. */
    uint64_t id;         /**< Its number in the trace. */

    void *internal;
};

struct host_request *host_request_create(void);
void host_request_free(struct host_request *request);
/** Starts it. The request must not be touched until it is done. */
void host_submit(struct host_request *request);
/** Waits until it is done. */
void host_wait(struct host_request *request);
/** host_submit + host_wait. \return srb_status without flag bits. */
uint8_t host_execute(struct host_request *request);
/** Asks Storport to abort it (task management): reset of its unit if it does not end. */
void host_abort(struct host_request *request);

enum host_reset_level { HOST_RESET_UNIT, HOST_RESET_TARGET, HOST_RESET_BUS };
/** One rung of the reset ladder; the SRB functions for unit and target, HwResetBus for the bus. */
bool host_reset(enum host_reset_level level, uint8_t path, uint8_t target, uint8_t lun);

/** Sends SRBs that are not SCSI commands, as Storport and PnP do. \return SRB status. */
uint8_t host_send_flush(uint8_t path, uint8_t target, uint8_t lun);
uint8_t host_send_shutdown(uint8_t path, uint8_t target, uint8_t lun);
uint8_t host_send_pnp(uint8_t path, uint8_t target, uint8_t lun, bool adapter, uint32_t action,
                      void *buffer, uint32_t length);
uint8_t host_send_power(uint8_t path, uint8_t target, uint8_t lun, uint32_t state, uint32_t action);
uint8_t host_send_io_control(void *srb_io_control, uint32_t length);
uint8_t host_send_wmi(uint8_t path, uint8_t target, uint8_t lun, void *buffer, uint32_t length);
uint8_t host_send_dump_pointers(void *buffer, uint32_t length);

/* --- IOCTLs to the adapter --- */

/** Who calls: a token. */
enum host_user { HOST_USER_ADMINISTRATOR, HOST_USER_STANDARD };
/** Sets the user of the calling thread's process for opens, IOCTLs and impersonation. `unix_uid` is whom file access is
 *  checked against (0 = the process's own). */
void host_set_user(enum host_user user, unsigned unix_uid);
/** Whom host_set_user has set. \param unix_uid receives 0 for the process's own. */
enum host_user host_get_user(unsigned *unix_uid);
/** Opens the adapter for reading and writing, as CreateFile on its device interface does, and closes it again: may the
 *  calling thread's user do that? The answer is the security descriptor's that the INF gives the device; without one,
 *  what Windows gives devices. An IOCTL below is that of a handle which is open already.
 *  \return STATUS_SUCCESS, STATUS_ACCESS_DENIED, or STATUS_NO_SUCH_DEVICE: no adapter is started. */
int32_t host_adapter_open(void);

/** An IOCTL in flight. */
struct host_ioctl {
    uint32_t code; /**< IOCTL_MINIPORT_PROCESS_SERVICE_IRP and others. */
    const void *input;
    uint32_t input_length;
    void *output;
    uint32_t output_length;
    void (*done)(struct host_ioctl *);
    void *context;

    int32_t status;    /**< NTSTATUS. */
    uint32_t returned; /**< IoStatus.Information. */
    void *internal;
};
/** Sends it; returns when it is done or pending. */
void host_ioctl_start(struct host_ioctl *ioctl);
/** Waits for it. */
int32_t host_ioctl_wait(struct host_ioctl *ioctl);
/** IoCancelIrp, as closing the handle or CancelIoEx does. */
void host_ioctl_cancel(struct host_ioctl *ioctl);
/** start + wait. \return NTSTATUS. */
int32_t host_ioctl_call(uint32_t code, const void *input, uint32_t input_length, void *output,
                        uint32_t output_length, uint32_t *returned);

/* --- files under the driver --- */

/** Z: stands for the root directory: /tmp/a.img is "Z:\\tmp\\a.img". Makes an absolute Win32 path of a host path. */
bool host_win32_path(const char *path, uint16_t *out, size_t out_chars, struct host_error *error);

enum host_file_op {
    HOST_FILE_OPEN,
    HOST_FILE_READ,
    HOST_FILE_WRITE,
    HOST_FILE_FLUSH,
    HOST_FILE_CLOSE,
    HOST_FILE_CONTROL /**< IRP_MJ_FILE_SYSTEM_CONTROL: zeros, allocated ranges. */
};
/** The n-th operation of this kind from now on (1 = the next) does not do what it should. */
struct host_file_fault {
    enum host_file_op op;
    unsigned nth;
    bool from_then_on;
    int error;         /**< errno (ENOSPC, EIO ...); 0 = no error, but see the rest. */
    uint32_t short_to; /**< Moves at most this many bytes; UINT32_MAX = all. */
    bool hang;         /**< Pends until cancelled or host_file_release() (seeded and real). */
};
void host_file_fault_add(const struct host_file_fault *fault);
void host_file_faults_clear(void);
/** Lets hung operations go on. */
void host_file_release(void);
/**
 * What the file system does on the disk below its volume, where that disk is one of the driver's: called before each
 * operation of this kind, in the thread that does it. NULL: nothing any more.
 */
void host_file_below(enum host_file_op op, void (*below)(void *context), void *context);
/** Counts since boot. */
struct host_file_counts {
    uint64_t opens, closes, reads, writes, flushes, write_through, controls;
};
struct host_file_counts host_file_counts(void);
/** The volume that holds the path asks to go: GUID_TARGET_DEVICE_QUERY_REMOVE to everyone registered on a file of it.
 *  \return true when nobody has a file open on it any more. */
bool host_volume_query_remove(const char *path);
void host_volume_remove_cancelled(const char *path);
void host_volume_remove_complete(const char *path);

/* --- figures --- */

struct host_census {
    uint64_t pool_blocks, pool_bytes; /**< The drivers' nonpaged and paged pool. */
    uint64_t threads, handles, objects, irps, mdls, notifications, interfaces, timers;
    uint64_t srbs_started, srbs_completed;
};
struct host_census host_census(void);

#endif
