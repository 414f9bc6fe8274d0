#include "system/machine.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[4096];

const char *machine_driver(void)
{
    const char *driver = getenv("VMINI_DRIVER");

    return driver != NULL ? driver : "build/vmini.so";
}

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "machine: %s: %s\n", what, detail);
    exit(1);
}

const char *machine_image(const char *name, uint64_t bytes)
{
    static char paths[8][4200];
    static unsigned next;
    char *path = paths[next++ % 8];
    int fd;

    if (folder[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof(folder), "%.3000s/vmini-system-XXXXXX",
                 base != NULL ? base : "/tmp");
        if (mkdtemp(folder) == NULL) {
            fail(folder, "no temporary folder");
        }
    }
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) {
        fail(path, "the image could not be made");
    }
    close(fd);
    return path;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int machine_clean(void)
{
    if (folder[0] != '\0') {
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        folder[0] = '\0';
    }
    return 0;
}

static void set_size(const char *name, uint32_t value)
{
    if (value != 0) {
        host_set_parameter(MACHINE_SERVICE, name, value);
    }
}

void machine_boot_sized(const struct host_options *options, uint32_t buses, uint32_t targets,
                        uint32_t luns)
{
    struct host_error error;

    if (!host_boot(options, &error) ||
        !host_install_bare(MACHINE_SERVICE, machine_driver(), true, &error)) {
        fail(error.message, error.remedy);
    }
    set_size("NumberOfBuses", buses);
    set_size("MaximumTargets", targets);
    set_size("MaximumLuns", luns);
    if (!host_start(&error)) {
        fail(error.message, error.remedy);
    }
}

void machine_boot(const struct host_options *options)
{
    machine_boot_sized(options, 1, 4, 0);
}

void machine_boot_seeded(uint64_t seed)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = seed}, .verifier = true};

    machine_boot(&options);
}

void machine_halt(void)
{
    if (host_halt(stderr) != 0) {
        fail("halt", "something leaked");
    }
}

static void header(VMINI_COMMAND *command, uint32_t code, uint32_t length)
{
    command->Signature = VMINI_COMMAND_SIGNATURE;
    command->Version = VMINI_COMMAND_VERSION;
    command->Code = code;
    command->Length = length;
}

static void set_path(WCHAR *out, const char *path)
{
    struct host_error error;

    if (!host_win32_path(path, out, VMINI_PATH_LENGTH, &error)) {
        fail(path, error.message);
    }
}

uint32_t machine_connect_in(VMINI_CONNECT_IN *in, const char *path, unsigned flags)
{
    memset(in, 0, sizeof(*in));
    header(&in->Command, VminiCommandConnect, sizeof(*in));
    in->Flags = flags;
    memset(&in->Address, 0xFF, sizeof(in->Address));
    set_path(in->PathName, path);
    return sizeof(*in);
}

uint32_t machine_disconnect_in(VMINI_DISCONNECT_IN *in, const char *path)
{
    memset(in, 0, sizeof(*in));
    header(&in->Command, VminiCommandDisconnect, sizeof(*in));
    set_path(in->PathName, path);
    return sizeof(*in);
}

int32_t machine_connect(const char *path, unsigned flags, VMINI_CONNECT_OUT *out)
{
    VMINI_CONNECT_IN in;
    VMINI_CONNECT_OUT ignored;
    uint32_t length = machine_connect_in(&in, path, flags);

    return host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, &in, length,
                           out != NULL ? out : &ignored, sizeof(*out), NULL);
}

int32_t machine_disconnect(const char *path)
{
    VMINI_DISCONNECT_IN in;
    uint32_t length = machine_disconnect_in(&in, path);

    return host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, &in, length, NULL, 0, NULL);
}

VMINI_ADDRESS machine_disk(const char *path, unsigned flags)
{
    VMINI_CONNECT_OUT out;
    int32_t status = machine_connect(path, flags, &out);
    char words[40];

    if (status != 0) {
        snprintf(words, sizeof(words), "CONNECT ended with %08X", (unsigned)status);
        fail(path, words);
    }
    host_settle();
    return out.Address;
}

int32_t machine_event(uint64_t last, VMINI_EVENT *event)
{
    VMINI_WAIT_EVENT_IN in;

    memset(&in, 0, sizeof(in));
    header(&in.Command, VminiCommandWaitEvent, sizeof(in));
    in.LastSequence = last;
    return host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, &in, sizeof(in), event,
                           sizeof(*event), NULL);
}

uint32_t machine_sense(const struct host_request *answer)
{
    if (answer->sense_valid < 14) {
        return 0;
    }
    return (uint32_t)(answer->sense[2] & 0xF) << 16 | (uint32_t)answer->sense[12] << 8 |
           answer->sense[13];
}

void machine_pattern(uint8_t *data, uint64_t lba, uint32_t blocks, uint32_t block_size,
                     uint8_t salt)
{
    for (uint64_t at = 0; at < (uint64_t)blocks * block_size; at++) {
        uint64_t block = lba + at / block_size;
        data[at] = (uint8_t)(salt + block * 31 + (block >> 13) + at % block_size * 7 +
                             (at % block_size >> 8));
    }
}

static void put_be(uint8_t *at, unsigned bytes, uint64_t value)
{
    while (bytes-- > 0) {
        at[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

void machine_rw_cdb(uint8_t *cdb, uint8_t form, bool write, uint64_t lba, uint32_t blocks)
{
    memset(cdb, 0, 16);
    switch (form) {
    case 6:
        put_be(cdb, 4, lba);
        cdb[0] = write ? 0x0A : 0x08;
        cdb[4] = (uint8_t)blocks;
        break;
    case 10:
        cdb[0] = write ? 0x2A : 0x28;
        put_be(cdb + 2, 4, lba);
        put_be(cdb + 7, 2, blocks);
        break;
    case 12:
        cdb[0] = write ? 0xAA : 0xA8;
        put_be(cdb + 2, 4, lba);
        put_be(cdb + 6, 4, blocks);
        break;
    default:
        machine_rw16(cdb, write ? 0x8A : 0x88, lba, blocks);
        break;
    }
}

uint8_t machine_scsi(VMINI_ADDRESS address, const uint8_t *cdb, uint8_t cdb_length,
                     enum host_direction direction, void *data, uint32_t length,
                     struct host_request *answer)
{
    struct host_request *request = host_request_create();
    uint8_t status;

    request->path = address.Path;
    request->target = address.Target;
    request->lun = address.Lun;
    memcpy(request->cdb, cdb, cdb_length);
    request->cdb_length = cdb_length;
    request->direction = direction;
    request->data = data;
    request->data_length = length;
    status = host_execute(request);
    if (answer != NULL) {
        *answer = *request;
        answer->internal = NULL;
    }
    host_request_free(request);
    return status;
}

void machine_rw16(uint8_t *cdb, uint8_t opcode, uint64_t lba, uint32_t blocks)
{
    memset(cdb, 0, 16);
    cdb[0] = opcode;
    put_be(cdb + 2, 8, lba);
    put_be(cdb + 10, 4, blocks);
}

uint8_t machine_read(VMINI_ADDRESS address, uint64_t lba, uint32_t blocks, uint32_t block_size,
                     void *data)
{
    uint8_t cdb[16];

    machine_rw16(cdb, 0x88, lba, blocks);
    return machine_scsi(address, cdb, 16, HOST_DATA_IN, data, blocks * block_size, NULL);
}

uint8_t machine_write(VMINI_ADDRESS address, uint64_t lba, uint32_t blocks, uint32_t block_size,
                      void *data)
{
    uint8_t cdb[16];

    machine_rw16(cdb, 0x8A, lba, blocks);
    return machine_scsi(address, cdb, 16, HOST_DATA_OUT, data, blocks * block_size, NULL);
}
