/*
 * What a connected image is to Windows: a disk or a CD-ROM drive that the class drivers start on,
 * whose blocks are the file's, in every form of READ and WRITE and of SRB, up to the last block of
 * 8 TB. Each case is a machine of its own, in a child.
 */
#include <CUnit/Basic.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.h"
#include "system/machine.h"

#define BUS_TYPE_VIRTUAL 0x0E
#define BLOCKS           4096u
#define LONGEST          2048u /* Blocks of the longest transfer here: 1 MiB. */

static uint8_t out[LONGEST * 512 + 8192], in[LONGEST * 512 + 8192];

static void boot_as(enum host_srb_type type)
{
    struct host_options options = {
        .sched = {.kind = SCHED_SEEDED, .seed = 11}, .verifier = true, .srb_type = type};

    machine_boot(&options);
}

static uint8_t rw(VMINI_ADDRESS disk, uint8_t form, bool write, uint64_t lba, uint32_t blocks,
                  void *data, struct host_request *answer)
{
    uint8_t cdb[16];

    machine_rw_cdb(cdb, form, write, lba, blocks);
    return machine_scsi(disk, cdb, form, write ? HOST_DATA_OUT : HOST_DATA_IN, data, blocks * 512,
                        answer);
}

/** The file's own bytes, past the driver. */
static void read_file(const char *path, uint64_t lba, void *data, size_t length)
{
    int fd = open(path, O_RDONLY);

    CHILD_CHECK(fd >= 0 && pread(fd, data, length, (off_t)(lba * 512)) == (ssize_t)length);
    close(fd);
}

static uint64_t be(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | *at++;
    }
    return value;
}

/* --- installed from its INF --- */

static void installed_disk(void *path)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 3}, .verifier = true};
    struct host_error error;
    struct host_unit unit;
    VMINI_ADDRESS disk;

    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install("src/driver/05-install/vmini.inf", NULL, machine_driver(), &error));
    CHILD_CHECK(host_start(&error));
    CHILD_CHECK(host_bus_type() == BUS_TYPE_VIRTUAL);
    CHILD_CHECK(host_units(NULL, 0) == 0);
    disk = machine_disk(path, 0);
    CHILD_CHECK(host_units(&unit, 1) == 1);
    CHILD_CHECK(unit.path == disk.Path && unit.target == disk.Target && unit.lun == disk.Lun);
    CHILD_CHECK(unit.device_type == 0 && unit.claimed && !unit.removable && !unit.write_protected);
    CHILD_CHECK(unit.block_size == 512 && unit.block_count == BLOCKS);
    CHILD_CHECK(strlen(unit.serial) == 16);
    CHILD_CHECK(machine_disconnect(path) == 0);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == 0);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    machine_halt();
}

static void test_installed_disk(void)
{
    CHILD_PASSES(installed_disk, (void *)(uintptr_t)machine_image("inf.img", BLOCKS * 512));
}

/* --- blocks --- */

/** One write, by the file's own bytes and read back in the same form. */
static void check_extent(VMINI_ADDRESS disk, const char *path, uint8_t form, uint64_t lba,
                         uint32_t blocks)
{
    struct host_request answer;
    uint32_t bytes = blocks * 512;

    machine_pattern(out, lba, blocks, 512, (uint8_t)(form + blocks));
    CHILD_CHECK(rw(disk, form, true, lba, blocks, out, &answer) == 1);
    CHILD_CHECK(answer.transferred == bytes);
    read_file(path, lba, in, bytes);
    CHILD_CHECK(memcmp(in, out, bytes) == 0);
    memset(in, 0xEE, bytes + 64);
    CHILD_CHECK(rw(disk, form, false, lba, blocks, in, &answer) == 1);
    CHILD_CHECK(answer.transferred == bytes && memcmp(in, out, bytes) == 0);
    CHILD_CHECK(in[bytes] == 0xEE); /* Not one byte more. */
}

static void blocks_are_the_files(void *type)
{
    static const uint8_t forms[] = {6, 10, 12, 16};
    static const struct {
        uint64_t lba;
        uint32_t blocks;
    } extents[] = {{0, 1}, {1, 7}, {8, 8}, {33, 255}, {BLOCKS - 1, 1}, {BLOCKS - 3, 3}};
    const char *path = machine_image("blocks.img", BLOCKS * 512);
    VMINI_ADDRESS disk;

    boot_as((enum host_srb_type)(uintptr_t)type);
    disk = machine_disk(path, 0);
    for (unsigned f = 0; f < 4; f++) {
        for (size_t e = 0; e < sizeof(extents) / sizeof(extents[0]); e++) {
            check_extent(disk, path, forms[f], extents[e].lba, extents[e].blocks);
        }
    }
    check_extent(disk, path, 10, 64, LONGEST);
    CHILD_CHECK(machine_disconnect(path) == 0);
    machine_halt();
}

static void test_blocks_by_legacy_srbs(void)
{
    CHILD_PASSES(blocks_are_the_files, (void *)(uintptr_t)HOST_SRB_LEGACY);
}

static void test_blocks_by_extended_srbs(void)
{
    CHILD_PASSES(blocks_are_the_files, (void *)(uintptr_t)HOST_SRB_EXTENDED);
}

/** 0 blocks in a READ(6) mean 256. In the other forms they mean none, and nothing is touched. */
static void no_blocks(void *path)
{
    struct host_request answer;
    struct host_file_counts before;
    VMINI_ADDRESS disk;
    uint8_t cdb[16];

    boot_as(HOST_SRB_DEFAULT);
    disk = machine_disk(path, 0);
    machine_pattern(out, 5, 256, 512, 9);
    CHILD_CHECK(rw(disk, 10, true, 5, 256, out, NULL) == 1);
    machine_rw_cdb(cdb, 6, false, 5, 0);
    CHILD_CHECK(machine_scsi(disk, cdb, 6, HOST_DATA_IN, in, 256 * 512, &answer) == 1);
    CHILD_CHECK(answer.transferred == 256 * 512 && memcmp(in, out, 256 * 512) == 0);
    before = host_file_counts();
    for (uint8_t form = 10; form <= 16; form = (uint8_t)(form == 12 ? 16 : form + 2)) {
        for (int write = 0; write < 2; write++) {
            CHILD_CHECK(rw(disk, form, write != 0, BLOCKS, 0, NULL, &answer) == 1);
            CHILD_CHECK(answer.transferred == 0);
            CHILD_CHECK(rw(disk, form, write != 0, BLOCKS + 1, 0, NULL, &answer) != 1);
            CHILD_CHECK(machine_sense(&answer) == 0x052100);
        }
    }
    CHILD_CHECK(host_file_counts().reads == before.reads);
    CHILD_CHECK(host_file_counts().writes == before.writes);
    machine_halt();
}

static void test_no_blocks(void)
{
    CHILD_PASSES(no_blocks, (void *)(uintptr_t)machine_image("none.img", BLOCKS * 512));
}

/** A request that was split: an SRB's data begin anywhere in the MDL, and in a page. */
static void split_request(VMINI_ADDRESS disk, uint8_t *buffer, uint32_t skipped, bool write)
{
    struct host_request *request = host_request_create();

    request->path = disk.Path;
    request->target = disk.Target;
    request->lun = disk.Lun;
    machine_rw_cdb(request->cdb, 10, write, 100 + skipped % 50, 5);
    request->cdb_length = 10;
    request->direction = write ? HOST_DATA_OUT : HOST_DATA_IN;
    request->data = buffer;
    request->data_length = 5 * 512;
    request->mdl_offset = skipped;
    CHILD_CHECK(host_execute(request) == 1 && request->transferred == 5 * 512);
    host_request_free(request);
}

static void split_requests(void *type)
{
    static const uint32_t skips[] = {0, 1, 4, 512, 700, 2048, 4095, 4096, 4097, 6000, 8192};
    const char *path = machine_image("split.img", BLOCKS * 512);
    VMINI_ADDRESS disk;

    boot_as((enum host_srb_type)(uintptr_t)type);
    disk = machine_disk(path, 0);
    for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
        uint32_t skip = skips[i], lba = 100 + skip % 50;

        memset(out, 0x5A, sizeof(out));
        machine_pattern(out + skip, lba, 5, 512, (uint8_t)skip);
        split_request(disk, out + skip, skip, true);
        read_file(path, lba, in, 5 * 512);
        CHILD_CHECK(memcmp(in, out + skip, 5 * 512) == 0);
        memset(in, 0xC3, sizeof(in));
        split_request(disk, in + skip, skip, false);
        CHILD_CHECK(memcmp(in + skip, out + skip, 5 * 512) == 0);
        CHILD_CHECK(skip == 0 || in[skip - 1] == 0xC3);
        CHILD_CHECK(in[skip + 5 * 512] == 0xC3);
    }
    machine_halt();
}

static void test_split_requests(void)
{
    CHILD_PASSES(split_requests, (void *)(uintptr_t)HOST_SRB_LEGACY);
    CHILD_PASSES(split_requests, (void *)(uintptr_t)HOST_SRB_EXTENDED);
}

/** VERIFY finds what differs, and where; data that are the same pass. */
static void verify(void *path)
{
    static const struct {
        uint8_t opcode, length;
    } forms[] = {{0x2F, 10}, {0xAF, 12}, {0x8F, 16}};
    struct host_request answer;
    VMINI_ADDRESS disk;
    uint8_t cdb[16];

    boot_as(HOST_SRB_DEFAULT);
    disk = machine_disk(path, 0);
    machine_pattern(out, 40, 300, 512, 1);
    CHILD_CHECK(rw(disk, 10, true, 40, 300, out, NULL) == 1);
    memcpy(in, out, 300 * 512);
    in[299 * 512 + 17] ^= 1;
    for (unsigned i = 0; i < 3; i++) {
        machine_rw_cdb(cdb, forms[i].length, false, 40, 300);
        cdb[0] = forms[i].opcode;
        CHILD_CHECK(machine_scsi(disk, cdb, forms[i].length, HOST_DATA_NONE, NULL, 0, NULL) == 1);
        cdb[1] = 0x02; /* BYTCHK 1 */
        CHILD_CHECK(machine_scsi(disk, cdb, forms[i].length, HOST_DATA_OUT, out, 300 * 512, NULL) ==
                    1);
        CHILD_CHECK(
            machine_scsi(disk, cdb, forms[i].length, HOST_DATA_OUT, in, 300 * 512, &answer) != 1);
        CHILD_CHECK(machine_sense(&answer) == 0x0E1D00 && answer.transferred == 0);
        CHILD_CHECK(be(answer.sense + 3, 4) == 299 * 512 + 17); /* INFORMATION: the first. */
    }
    machine_halt();
}

static void test_verify(void)
{
    CHILD_PASSES(verify, (void *)(uintptr_t)machine_image("verify.img", BLOCKS * 512));
}

/* --- durability --- */

/** FUA in WRITE(10), (12), (16), and SYNCHRONIZE CACHE(10), (16), reach the file; so do FLUSH and
 *  SHUTDOWN, and a plain WRITE does not wait for the disk. */
static void durability(void *path)
{
    static const uint8_t forms[] = {10, 12, 16}, sync[] = {0x35, 0x91};
    struct host_file_counts before, after;
    VMINI_ADDRESS disk;
    uint8_t cdb[16];

    boot_as(HOST_SRB_DEFAULT);
    disk = machine_disk(path, 0);
    before = host_file_counts();
    CHILD_CHECK(rw(disk, 10, true, 0, 1, out, NULL) == 1);
    CHILD_CHECK(host_file_counts().flushes == before.flushes);
    for (unsigned i = 0; i < 3; i++) {
        machine_rw_cdb(cdb, forms[i], true, 9, 2);
        cdb[1] = 0x08;
        CHILD_CHECK(machine_scsi(disk, cdb, forms[i], HOST_DATA_OUT, out, 1024, NULL) == 1);
        CHILD_CHECK(host_file_counts().writes == before.writes + i + 2);
        CHILD_CHECK(host_file_counts().flushes == before.flushes + i + 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        memset(cdb, 0, sizeof(cdb));
        cdb[0] = sync[i];
        before = host_file_counts();
        CHILD_CHECK(machine_scsi(disk, cdb, i == 0 ? 10 : 16, HOST_DATA_NONE, NULL, 0, NULL) == 1);
        CHILD_CHECK(host_file_counts().flushes == before.flushes + 1);
    }
    before = host_file_counts();
    CHILD_CHECK(host_send_flush(disk.Path, disk.Target, disk.Lun) == 1);
    CHILD_CHECK(host_send_shutdown(disk.Path, disk.Target, disk.Lun) == 1);
    after = host_file_counts();
    CHILD_CHECK(after.flushes == before.flushes + 2);
    CHILD_CHECK(machine_disconnect(path) == 0);
    CHILD_CHECK(host_file_counts().flushes > after.flushes); /* Before the close. */
    machine_halt();
}

static void test_durability(void)
{
    CHILD_PASSES(durability, (void *)(uintptr_t)machine_image("fua.img", BLOCKS * 512));
}

/* --- sizes --- */

/** 8 TB: beyond what 32 bits of blocks can say. */
static void huge_disk(void *path)
{
    const uint64_t count = (UINT64_C(8) << 40) / 512;
    uint8_t capacity10[10] = {0x25}, capacity16[16] = {0x9E, 0x10}, data[32];
    struct host_request answer;
    struct host_unit unit;
    VMINI_ADDRESS disk;

    boot_as(HOST_SRB_DEFAULT);
    disk = machine_disk(path, 0);
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.block_count == count);
    CHILD_CHECK(machine_scsi(disk, capacity10, 10, HOST_DATA_IN, data, 8, NULL) == 1);
    CHILD_CHECK(be(data, 4) == UINT32_MAX && be(data + 4, 4) == 512);
    capacity16[13] = 32;
    CHILD_CHECK(machine_scsi(disk, capacity16, 16, HOST_DATA_IN, data, 32, NULL) == 1);
    CHILD_CHECK(be(data, 8) == count - 1 && be(data + 8, 4) == 512);
    check_extent(disk, path, 16, count - 1, 1);
    check_extent(disk, path, 16, count - 256, 256);
    check_extent(disk, path, 16, UINT64_C(1) << 32, 8);
    check_extent(disk, path, 16, (UINT64_C(1) << 32) - 4, 8);
    check_extent(disk, path, 10, UINT32_MAX - 1u, 1);
    CHILD_CHECK(rw(disk, 16, false, 0, 8, in, NULL) == 1 &&
                in[0] == 0); /* Nothing wrapped round. */
    CHILD_CHECK(rw(disk, 16, false, count, 1, in, &answer) != 1);
    CHILD_CHECK(machine_sense(&answer) == 0x052100);
    CHILD_CHECK(rw(disk, 16, true, count - 1, 2, out, &answer) != 1);
    CHILD_CHECK(machine_sense(&answer) == 0x052100);
    CHILD_CHECK(rw(disk, 16, true, UINT64_MAX, 2, out, &answer) != 1);
    CHILD_CHECK(machine_sense(&answer) == 0x052100 && answer.transferred == 0);
    machine_halt();
}

static void test_huge_disk(void)
{
    CHILD_PASSES(huge_disk, (void *)(uintptr_t)machine_image("huge.img", UINT64_C(8) << 40));
}

/** A tail that fills no block is not served; a file that grows does not make the disk grow. */
static void odd_size(void *unused)
{
    static const unsigned tails[] = {0, 1, 255, 511};
    char name[20];

    (void)unused;
    boot_as(HOST_SRB_DEFAULT);
    for (unsigned i = 0; i < 4; i++) {
        struct host_request answer;
        VMINI_CONNECT_OUT disk;
        const char *path;

        snprintf(name, sizeof(name), "odd%u.img", tails[i]);
        path = machine_image(name, 3 * 512 + tails[i]);
        CHILD_CHECK(machine_connect(path, 0, &disk) == 0 && disk.BlockCount == 3);
        CHILD_CHECK(rw(disk.Address, 10, false, 2, 1, in, NULL) == 1);
        CHILD_CHECK(truncate(path, 100 * 512) == 0);
        CHILD_CHECK(rw(disk.Address, 10, false, 3, 1, in, &answer) != 1);
        CHILD_CHECK(machine_sense(&answer) == 0x052100);
        CHILD_CHECK(rw(disk.Address, 10, false, 2, 2, in, &answer) != 1);
    }
    machine_halt();
}

static void test_odd_size(void)
{
    CHILD_PASSES(odd_size, NULL);
}

/* --- kinds of units --- */

/** A file that may not be changed is not changed, whatever the way. */
static void read_only(void *path)
{
    struct host_request answer;
    struct host_unit unit;
    VMINI_ADDRESS disk;

    boot_as(HOST_SRB_DEFAULT);
    CHILD_CHECK(chmod(path, 0444) == 0);
    disk = machine_disk(path, VMINI_CONNECT_READ_ONLY);
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.write_protected && unit.claimed);
    CHILD_CHECK(rw(disk, 10, false, 0, 8, in, NULL) == 1);
    for (uint8_t form = 6; form <= 16;
         form = (uint8_t)(form == 12 ? 16 : form + (form == 6 ? 4 : 2))) {
        CHILD_CHECK(rw(disk, form, true, 0, 1, out, &answer) != 1);
        CHILD_CHECK(machine_sense(&answer) == 0x072700 && answer.transferred == 0);
    }
    CHILD_CHECK(machine_disconnect(path) == 0);
    CHILD_CHECK(host_file_counts().writes == 0 && host_file_counts().flushes == 0);
    machine_halt();
}

static void test_read_only(void)
{
    CHILD_PASSES(read_only, (void *)(uintptr_t)machine_image("ro.img", 64 * 512));
}

static void cdrom(void *path)
{
    uint8_t toc[10] = {0x43, 0, 0, 0, 0, 0, 0, 0, 20}, cdb[16], data[2048];
    struct host_request answer;
    struct host_unit unit;
    VMINI_ADDRESS drive;

    boot_as(HOST_SRB_DEFAULT);
    drive = machine_disk(path, VMINI_CONNECT_CDROM);
    CHILD_CHECK(host_units(&unit, 1) == 1);
    CHILD_CHECK(unit.device_type == 5 && unit.removable && unit.claimed);
    CHILD_CHECK(unit.block_size == 2048 && unit.block_count == 100);
    machine_rw_cdb(cdb, 10, false, 99, 1);
    CHILD_CHECK(machine_scsi(drive, cdb, 10, HOST_DATA_IN, data, 2048, NULL) == 1);
    read_file(path, 99 * 4, in, 2048);
    CHILD_CHECK(memcmp(data, in, 2048) == 0 && data[0] == 'E');
    CHILD_CHECK(machine_scsi(drive, toc, 10, HOST_DATA_IN, data, 20, NULL) == 1);
    CHILD_CHECK(be(data, 2) == 18 && data[6] == 1 && data[14] == 0xAA && be(data + 16, 4) == 100);
    CHILD_CHECK(rw(drive, 10, true, 0, 4, out, &answer) != 1);
    CHILD_CHECK(machine_sense(&answer) != 0 && host_file_counts().writes == 0);
    machine_halt();
}

static void test_cdrom(void)
{
    const char *path = machine_image("cd.iso", 100 * 2048);
    int fd = open(path, O_WRONLY);

    CU_ASSERT_EQUAL(pwrite(fd, "EOF", 3, 99 * 2048), 3);
    close(fd);
    CHILD_PASSES(cdrom, (void *)(uintptr_t)path);
}

static void eject_and_load(void *path)
{
    uint8_t eject[6] = {0x1B, 0, 0, 0, 2}, load[6] = {0x1B, 0, 0, 0, 3}, ready[6] = {0};
    uint8_t prevent[6] = {0x1E, 0, 0, 0, 1}, allow[6] = {0x1E};
    struct host_request answer;
    struct host_unit unit;
    VMINI_ADDRESS disk;

    boot_as(HOST_SRB_DEFAULT);
    disk = machine_disk(path, VMINI_CONNECT_REMOVABLE);
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.removable);
    CHILD_CHECK(machine_scsi(disk, prevent, 6, HOST_DATA_NONE, NULL, 0, NULL) == 1);
    CHILD_CHECK(machine_scsi(disk, eject, 6, HOST_DATA_NONE, NULL, 0, &answer) != 1);
    CHILD_CHECK(machine_sense(&answer) == 0x055302);
    CHILD_CHECK(machine_scsi(disk, allow, 6, HOST_DATA_NONE, NULL, 0, NULL) == 1);
    CHILD_CHECK(machine_scsi(disk, eject, 6, HOST_DATA_NONE, NULL, 0, NULL) == 1);
    CHILD_CHECK(machine_scsi(disk, ready, 6, HOST_DATA_NONE, NULL, 0, &answer) != 1);
    CHILD_CHECK(machine_sense(&answer) == 0x023A00);
    CHILD_CHECK(rw(disk, 10, false, 0, 1, in, &answer) != 1 && machine_sense(&answer) == 0x023A00);
    CHILD_CHECK(machine_scsi(disk, load, 6, HOST_DATA_NONE, NULL, 0, NULL) == 1);
    CHILD_CHECK(rw(disk, 10, false, 0, 1, in, NULL) == 1);
    machine_halt();
}

static void test_eject_and_load(void)
{
    CHILD_PASSES(eject_and_load, (void *)(uintptr_t)machine_image("stick.img", 64 * 512));
}

/* --- addresses --- */

#define MANY 1024

/** Connects `count` images at once. \return how many got an address of their own that answers. */
static unsigned connect_many(unsigned count)
{
    static VMINI_CONNECT_IN inputs[MANY];
    static VMINI_CONNECT_OUT outputs[MANY];
    static struct host_ioctl ioctls[MANY];
    static uint8_t taken[8][128][255];
    unsigned good = 0;
    char name[20];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "m%u.img", i);
        ioctls[i] = (struct host_ioctl){.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                                        .input = &inputs[i],
                                        .output = &outputs[i],
                                        .output_length = sizeof(outputs[i])};
        ioctls[i].input_length =
            machine_connect_in(&inputs[i], machine_image(name, 512 * (1 + i)), 0);
        host_ioctl_start(&ioctls[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        uint8_t capacity[10] = {0x25}, data[8];
        VMINI_ADDRESS at;

        CHILD_CHECK(host_ioctl_wait(&ioctls[i]) == 0);
        at = outputs[i].Address;
        CHILD_CHECK(machine_scsi(at, capacity, 10, HOST_DATA_IN, data, 8, NULL) == 1);
        good += be(data, 4) == i && taken[at.Path][at.Target][at.Lun]++ == 0; /* It is image i. */
    }
    return good;
}

/** Every address of a full bus works; one image more is refused, and nothing leaks. */
static void full_bus(void *argument)
{
    const uint32_t *size = argument;
    struct host_options options = {.sched = {.kind = SCHED_REAL}};
    unsigned count = size[0] * size[1] * size[2];

    machine_boot_sized(&options, size[0], size[1], size[2]);
    CHILD_CHECK(connect_many(count) == count);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == count);
    CHILD_CHECK(machine_connect(machine_image("more.img", 512), 0, NULL) ==
                (int32_t)0xC000009A); /* STATUS_INSUFFICIENT_RESOURCES */
    machine_halt();
}

static void test_full_bus(void)
{
    static uint32_t wide[] = {8, 128, 1}, deep[] = {1, 1, 255};

    CHILD_PASSES(full_bus, wide);
    CHILD_PASSES(full_bus, deep);
}

CU_ErrorCode register_disk_suite(void);
CU_ErrorCode register_disk_suite(void)
{
    static CU_TestInfo tests[] = {
        {"installed from the INF, a disk appears and disappears", test_installed_disk},
        {"READ and WRITE 6, 10, 12, 16, legacy SRBs", test_blocks_by_legacy_srbs},
        {"READ and WRITE 6, 10, 12, 16, extended SRBs", test_blocks_by_extended_srbs},
        {"no blocks: 256 in the short form, nothing in the others", test_no_blocks},
        {"split requests, in the middle of MDL and page", test_split_requests},
        {"VERIFY 10, 12, 16", test_verify},
        {"FUA, SYNCHRONIZE CACHE, FLUSH, SHUTDOWN reach the file", test_durability},
        {"8 TB on a sparse file", test_huge_disk},
        {"a size that is no multiple of the block, a file that grows", test_odd_size},
        {"read-only", test_read_only},
        {"CD-ROM", test_cdrom},
        {"removable: prevent, eject, load", test_eject_and_load},
        {"8 x 128 x 1 and 1 x 1 x 255 addresses, all connected", test_full_bus},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"disk: an image as Windows sees it", NULL, machine_clean, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
