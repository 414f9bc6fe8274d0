/*
 * What bad input gets: images that are none, paths that lead nowhere, IOCTL buffers of any length,
 * CDBs of any bytes. Each is refused with the status that says why; nothing is left behind, and the
 * machine goes on.
 */
#include <CUnit/Basic.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.h"
#include "system/machine.h"

#define NAME_NOT_FOUND  ((int32_t)0xC0000034)
#define NAME_INVALID    ((int32_t)0xC0000033)
#define NAME_COLLISION  ((int32_t)0xC0000035)
#define IS_A_DIRECTORY  ((int32_t)0xC00000BA)
#define FILE_NO_BLOCKS  ((int32_t)0xC0000098)
#define ACCESS_REFUSED  ((int32_t)0xC0000022)
#define NO_PRIVILEGE    ((int32_t)0xC0000061)
#define PATH_TOO_LONG   ((int32_t)0xC0000106)
#define SHARING_REFUSED ((int32_t)0xC0000043)
#define ANOTHER_USER    65534
#define BLOCKS          64u

static const char *image;

/** A refused CONNECT leaves no unit; that no file stays open is what machine_halt looks at. */
static void check_refused(const char *path, unsigned flags, int32_t status)
{
    int32_t got = machine_connect(path, flags, NULL);

    if (got != status) {
        fprintf(stderr, "%s: %08X instead of %08X\n", path, (unsigned)got, (unsigned)status);
    }
    CHILD_CHECK(got == status);
    CHILD_CHECK(host_units(NULL, 0) == 0);
}

static void images(void *unused)
{
    char folder[4200];

    (void)unused;
    machine_boot_seeded(2);
    snprintf(folder, sizeof(folder), "%s", image);
    *strrchr(folder, '/') = '\0';
    check_refused("/no/such/image.img", 0, (int32_t)0xC000003A); /* OBJECT_PATH_NOT_FOUND */
    strcat(folder, "/none.img");
    check_refused(folder, 0, NAME_NOT_FOUND);
    *strrchr(folder, '/') = '\0';
    check_refused(folder, 0, IS_A_DIRECTORY);
    check_refused(machine_image("empty.img", 0), 0, FILE_NO_BLOCKS);
    check_refused(machine_image("511.img", 511), 0, FILE_NO_BLOCKS);
    check_refused(machine_image("2047.iso", 2047), VMINI_CONNECT_CDROM, FILE_NO_BLOCKS);
    machine_halt();
}

static void test_images(void)
{
    CHILD_PASSES(images, NULL);
}

/** Rights are those of the caller: root's file is not opened for somebody else, by whatever thread. */
static void permissions(void *unused)
{
    (void)unused;
    machine_boot_seeded(2);
    CHILD_CHECK(chmod(image, 0600) == 0);
    host_set_user(HOST_USER_ADMINISTRATOR, ANOTHER_USER);
    check_refused(image, 0, ACCESS_REFUSED);
    check_refused(image, VMINI_CONNECT_READ_ONLY, ACCESS_REFUSED);
    host_set_user(HOST_USER_STANDARD, 0);
    check_refused(image, 0, NO_PRIVILEGE);
    host_set_user(HOST_USER_ADMINISTRATOR, 0);
    machine_disk(image, 0);
    host_set_user(HOST_USER_STANDARD, 0);
    CHILD_CHECK(machine_disconnect(image) == NO_PRIVILEGE);
    CHILD_CHECK(host_units(NULL, 0) == 1);
    host_set_user(HOST_USER_ADMINISTRATOR, 0);
    machine_halt();
}

static void test_permissions(void)
{
    CHILD_PASSES(permissions, NULL);
}

static void connected_already(void *unused)
{
    char link[4300];

    (void)unused;
    machine_boot_seeded(2);
    machine_disk(image, 0);
    CHILD_CHECK(machine_connect(image, 0, NULL) == NAME_COLLISION);
    CHILD_CHECK(machine_connect(image, VMINI_CONNECT_CDROM, NULL) == NAME_COLLISION);
    snprintf(link, sizeof(link), "%s.link", image);
    CHILD_CHECK(symlink(image, link) == 0);
    CHILD_CHECK(machine_connect(link, 0, NULL) ==
                SHARING_REFUSED); /* The same file all the same. */
    CHILD_CHECK(host_units(NULL, 0) == 1);
    CHILD_CHECK(machine_disconnect(link) == (int32_t)0xC000000E); /* NO_SUCH_DEVICE */
    CHILD_CHECK(machine_disconnect(image) == 0);
    CHILD_CHECK(machine_disconnect(image) == (int32_t)0xC000000E);
    machine_halt();
}

static void test_connected_already(void)
{
    CHILD_PASSES(connected_already, NULL);
}

static int32_t send(const void *input, uint32_t length, void *output, uint32_t output_length)
{
    struct host_ioctl ioctl = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                               .input = input,
                               .input_length = length,
                               .output = output,
                               .output_length = output_length};

    host_ioctl_start(&ioctl);
    host_ioctl_cancel(&ioctl); /* A WAIT_EVENT that is in order would wait. */
    return host_ioctl_wait(&ioctl);
}

static void paths(void *unused)
{
    static const uint16_t *const bad[] = {u"",        u"a.img",     u"folder\\a.img", u"C:",
                                          u"C:a.img", u"\\a.img",   u"\\\\",          u"\\\\?\\",
                                          u"\\??\\",  u"/tmp/a.img"};
    VMINI_CONNECT_IN in;
    VMINI_CONNECT_OUT out;
    uint32_t length;

    (void)unused;
    machine_boot_seeded(2);
    length = machine_connect_in(&in, image, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(in.PathName, 0, sizeof(in.PathName));
        for (size_t c = 0; bad[i][c] != 0; c++) {
            in.PathName[c] = bad[i][c];
        }
        CHILD_CHECK(send(&in, length, &out, sizeof(out)) == NAME_INVALID);
    }
    for (size_t c = 0; c < VMINI_PATH_LENGTH; c++) { /* No end. */
        in.PathName[c] = c == 0 ? u'Z' : c == 1 ? u':' : c == 2 ? u'\\' : u'a';
    }
    CHILD_CHECK(send(&in, length, &out, sizeof(out)) == PATH_TOO_LONG);
    in.PathName[VMINI_PATH_LENGTH - 1] = 0; /* As long as can be, and not there. */
    CHILD_CHECK(send(&in, length, &out, sizeof(out)) < 0);
    machine_halt();
}

static void test_paths(void)
{
    CHILD_PASSES(paths, NULL);
}

/** Every command with every length of input but the right one, and with an output that is short. */
static void buffers(void *unused)
{
    static const struct {
        uint32_t code, input, output;
    } commands[] = {
        {VminiCommandScsiport, sizeof(VMINI_COMMAND), sizeof(VMINI_SCSIPORT_OUT)},
        {VminiCommandConnect, sizeof(VMINI_CONNECT_IN), sizeof(VMINI_CONNECT_OUT)},
        {VminiCommandDisconnect, sizeof(VMINI_DISCONNECT_IN), 0},
        {VminiCommandActiveList, sizeof(VMINI_COMMAND), 8},
        {VminiCommandWaitEvent, sizeof(VMINI_WAIT_EVENT_IN), sizeof(VMINI_EVENT)},
    };
    uint8_t *output = malloc(8192);

    (void)unused;
    machine_boot_seeded(2);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        for (uint32_t length = 0; length <= sizeof(VMINI_CONNECT_IN) + 16; length++) {
            uint8_t *input = calloc(1, length + 1); /* Exact: a sanitizer sees one byte too many. */
            VMINI_COMMAND command = {VMINI_COMMAND_SIGNATURE, VMINI_COMMAND_VERSION,
                                     commands[i].code, length};

            memcpy(input, &command, length < sizeof(command) ? length : sizeof(command));
            if (length != commands[i].input) {
                CHILD_CHECK(send(input, length, output, 8192) < 0);
            } else {
                for (uint32_t room = 0; room < commands[i].output; room++) {
                    CHILD_CHECK(send(input, length, output, room) < 0);
                }
            }
            free(input);
        }
    }
    CHILD_CHECK(host_units(NULL, 0) == 0);
    free(output);
    machine_halt();
}

static void test_buffers(void)
{
    CHILD_PASSES(buffers, NULL);
}

/* --- CDBs --- */

static uint64_t state;

static uint32_t pick(uint32_t count)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % count;
}

/** One CDB of any bytes: it ends, moves no more than the buffer holds, and has sense data if it
 *  failed as a command. */
static void any_cdb(VMINI_ADDRESS unit)
{
    static const uint8_t known[] = {0x00, 0x03, 0x08, 0x0A, 0x12, 0x1A, 0x1B, 0x1E, 0x25,
                                    0x28, 0x2A, 0x2F, 0x35, 0x43, 0x46, 0x4A, 0x51, 0x5A,
                                    0x88, 0x8A, 0x8F, 0x91, 0x9E, 0xA0, 0xA8, 0xAA, 0xAF};
    static uint8_t data[8192 + 64];
    struct host_request *request = host_request_create();

    request->path = unit.Path;
    request->target = unit.Target;
    request->lun = unit.Lun;
    request->cdb_length = (uint8_t)pick(sizeof(request->cdb) + 1);
    for (unsigned i = 0; i < sizeof(request->cdb); i++) {
        request->cdb[i] = (uint8_t)(pick(2) == 0 ? 0 : pick(256));
    }
    if (pick(4) != 0) {
        request->cdb[0] = known[pick(sizeof(known))];
    }
    request->direction = (enum host_direction)pick(3);
    request->data_length = request->direction == HOST_DATA_NONE ? 0 : pick(8193);
    request->data = request->data_length != 0 ? data : NULL;
    request->sense_length = (uint8_t)pick(256);
    memset(data + request->data_length, 0xA7, 64);
    host_execute(request);
    for (unsigned i = 0; i < 64; i++) {
        CHILD_CHECK(data[request->data_length + i] == 0xA7);
    }
    CHILD_CHECK(request->transferred <= request->data_length);
    if ((request->srb_status & 0x3F) == 4) {
        CHILD_CHECK(request->transferred == 0 && request->scsi_status == 2);
        CHILD_CHECK(request->sense_length == 0 || request->sense_valid != 0);
    }
    host_request_free(request);
}

static void cdbs(void *flags)
{
    const char *path = machine_image("cdbs.img", BLOCKS * 2048);
    struct stat status;
    VMINI_ADDRESS unit;

    machine_boot_seeded(2);
    unit = machine_disk(path, (unsigned)(uintptr_t)flags);
    state = (uintptr_t)flags + 1;
    for (unsigned i = 0; i < (child_thorough() ? 7000u : 1500u); i++) {
        any_cdb(unit);
    }
    CHILD_CHECK(machine_disconnect(path) == 0);
    CHILD_CHECK(stat(path, &status) == 0 && status.st_size == BLOCKS * 2048);
    machine_halt();
}

static void test_cdbs(void)
{
    CHILD_PASSES(cdbs, (void *)(uintptr_t)0);
    CHILD_PASSES(cdbs, (void *)(uintptr_t)VMINI_CONNECT_CDROM);
    CHILD_PASSES(cdbs, (void *)(uintptr_t)VMINI_CONNECT_REMOVABLE);
}

/** Blocks and lengths at every boundary, against arithmetic that cannot overflow. */
static void boundaries(void *unused)
{
    static const uint64_t lbas[] = {0,
                                    1,
                                    BLOCKS - 1,
                                    BLOCKS,
                                    BLOCKS + 1,
                                    UINT32_MAX,
                                    UINT64_C(1) << 32,
                                    UINT64_C(1) << 55,
                                    INT64_MAX,
                                    UINT64_MAX - 1,
                                    UINT64_MAX};
    static const uint32_t counts[] = {0, 1, 2, BLOCKS - 1, BLOCKS};
    static uint8_t data[BLOCKS * 512];
    VMINI_ADDRESS disk;

    (void)unused;
    machine_boot_seeded(2);
    disk = machine_disk(image, 0);
    for (size_t l = 0; l < sizeof(lbas) / sizeof(lbas[0]); l++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            bool fits = (unsigned __int128)lbas[l] + counts[c] <= BLOCKS;
            CHILD_CHECK((machine_read(disk, lbas[l], counts[c], 512, data) == 1) == fits);
            CHILD_CHECK((machine_write(disk, lbas[l], counts[c], 512, data) == 1) == fits);
        }
    }
    machine_halt();
}

static void test_boundaries(void)
{
    CHILD_PASSES(boundaries, NULL);
}

static int make_image(void)
{
    image = machine_image("good.img", BLOCKS * 512);
    return 0;
}

CU_ErrorCode register_badinput_suite(void);
CU_ErrorCode register_badinput_suite(void)
{
    static CU_TestInfo tests[] = {
        {"missing, a directory, empty, less than a block", test_images},
        {"not permitted", test_permissions},
        {"connected already", test_connected_already},
        {"paths: empty, relative, without an end", test_paths},
        {"IOCTL buffers of every length", test_buffers},
        {"CDBs of any bytes, by the thousand", test_cdbs},
        {"LBA and length at every boundary", test_boundaries},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"bad input: images, paths, buffers, CDBs", make_image, machine_clean, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
