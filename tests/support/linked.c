/*
 * See linked.h. The driver's own symbols are weak here: the runners that do not link it have no
 * use for this file.
 */
#include "linked.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/schedules.h"
#include "pnp/state.h"
#include "storport/internal.h"

extern NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
    __attribute__((weak));

static char folder[96];

PVMINI_ADAPTER linked_adapter(void)
{
    CHILD_CHECK(PortTheAdapter != NULL && PortTheAdapter->Extension != NULL);
    return PortTheAdapter->Extension;
}

/* --- life --- */

void linked_boot_with(const struct host_options *options)
{
    struct host_error error;

    CHILD_CHECK(host_boot(options, &error));
    CHILD_CHECK(host_install_bare(LINKED_SERVICE, "/proc/self/exe", true, &error));
}

void linked_boot(void)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 1, .processors = 2},
                                   .verifier = true};

    linked_boot_with(&options);
}

NTSTATUS linked_entry(void)
{
    static WCHAR path[] = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\vmini";
    UNICODE_STRING registry;

    RtlInitUnicodeString(&registry, path);
    verifier_load_census();
    pnp.driver = nt_driver_create("\\Driver\\vmini"); /* So that PnP need not load an image. */
    return DriverEntry(pnp.driver, &registry);
}

void linked_start(void)
{
    struct host_error error = {"", "", 0};

    CHILD_CHECK(linked_entry() == STATUS_SUCCESS);
    if (!host_start(&error)) {
        child_fail(error.message, __FILE__, __LINE__);
    }
}

void linked_up(void)
{
    linked_boot();
    host_set_parameter(LINKED_SERVICE, "MaximumTargets", 4);
    linked_start();
}

void linked_up_small(void)
{
    linked_boot();
    host_set_parameter(LINKED_SERVICE, "MaximumTargets", 2);
    host_set_parameter(LINKED_SERVICE, "MaximumLuns", 1);
    linked_start();
}

void linked_down(void)
{
    CHILD_CHECK(host_halt(stderr) == 0);
}

/* --- images --- */

int linked_folder_create(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/vmini-unit-XXXXXX",
             base != NULL && strlen(base) < 60 ? base : "/tmp");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0) {
        perror(folder);
        return 1;
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

int linked_folder_remove(void)
{
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}

const char *linked_image(const char *name, uint64_t bytes)
{
    static char paths[8][200];
    static atomic_uint next;
    char *path = paths[atomic_fetch_add(&next, 1) % 8];
    int fd;

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    CHILD_CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    close(fd);
    return path;
}

/* --- service IRPs --- */

void linked_header(VMINI_COMMAND *command, ULONG code, ULONG length)
{
    *command = (VMINI_COMMAND){VMINI_COMMAND_SIGNATURE, VMINI_COMMAND_VERSION, code, length};
}

void linked_connect_in(VMINI_CONNECT_IN *in, const char *path, ULONG flags)
{
    struct host_error error;

    memset(in, 0, sizeof(*in));
    linked_header(&in->Command, VminiCommandConnect, sizeof(*in));
    in->Flags = flags;
    memset(&in->Address, 0xFF, sizeof(in->Address));
    CHILD_CHECK(host_win32_path(path, in->PathName, VMINI_PATH_LENGTH, &error));
}

void linked_disconnect_in(VMINI_DISCONNECT_IN *in, const char *path, const VMINI_ADDRESS *address)
{
    struct host_error error;

    memset(in, 0, sizeof(*in));
    linked_header(&in->Command, VminiCommandDisconnect, sizeof(*in));
    memset(&in->Address, 0xFF, sizeof(in->Address));
    if (address != NULL) {
        in->Address = *address;
    } else {
        CHILD_CHECK(host_win32_path(path, in->PathName, VMINI_PATH_LENGTH, &error));
    }
}

NTSTATUS linked_call(const void *input, ULONG input_length, void *output, ULONG output_length,
                     ULONG *returned)
{
    return host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input, input_length, output,
                           output_length, returned);
}

void linked_begin(struct host_ioctl *ioctl, const void *input, ULONG input_length, void *output,
                  ULONG output_length)
{
    memset(ioctl, 0, sizeof(*ioctl));
    ioctl->code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
    ioctl->input = input;
    ioctl->input_length = input_length;
    ioctl->output = output;
    ioctl->output_length = output_length;
    host_ioctl_start(ioctl);
}

NTSTATUS linked_connect(const char *path, ULONG flags, VMINI_CONNECT_OUT *out)
{
    VMINI_CONNECT_OUT ignored;
    VMINI_CONNECT_IN in;

    linked_connect_in(&in, path, flags);
    return linked_call(&in, sizeof(in), out != NULL ? out : &ignored, sizeof(*out), NULL);
}

NTSTATUS linked_disconnect(const char *path)
{
    VMINI_DISCONNECT_IN in;

    linked_disconnect_in(&in, path, NULL);
    return linked_call(&in, sizeof(in), NULL, 0, NULL);
}

/* --- time and schedules --- */

void linked_settle(void)
{
    sched_settle(sched_time());
}

void linked_pass(unsigned seconds)
{
    sched_settle(sched_time() + seconds * 10000000ull);
}

void linked_sweep(void (*scenario)(void *), void *argument, unsigned seeds)
{
    schedules_sweep(scenario, argument, SCHED_RANDOM, seeds);
    schedules_sweep(scenario, argument, SCHED_PCT, seeds);
}
