/*
 * The rarer commands from end to end, by SRBs through the driver to the file: what a thin disk gives
 * back is a hole in the file, what must be atomic is, what must be durable is; and when the file system
 * says no in the middle, the sense data are true and the blocks are as the standard wants them.
 */
#include <CUnit/Basic.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.h"
#include "system/machine.h"

#define BLOCKS  1024u /* 512 KiB: 8 units of 64 KiB. */
#define UNIT    128u  /* Blocks of such a unit. */
#define HOST_OK 1

#define THIN      VMINI_CONNECT_THIN
#define REMOVABLE VMINI_CONNECT_REMOVABLE

#define MISCOMPARE   0x0E1D00
#define WRITE_ERROR  0x030C00
#define READ_ERROR   0x031100
#define NO_SPACE     0x072707
#define NO_RESOURCES 0x0B5503
#define PROTECTED    0x072700
#define OUT_OF_RANGE 0x052100
#define NO_MEDIUM    0x023A
#define PREVENTED    0x055302

static uint8_t data[BLOCKS * 512], back[BLOCKS * 512];
static const char *image;

static VMINI_ADDRESS boot(unsigned flags)
{
    machine_boot_seeded(7);
    return machine_disk(image, flags);
}

/** All blocks of the image: the pattern, without holes. */
static void fill(VMINI_ADDRESS disk)
{
    machine_pattern(data, 0, BLOCKS, 512, 1);
    CHILD_CHECK(machine_write(disk, 0, BLOCKS, 512, data) == HOST_OK);
}

static void file_bytes(uint64_t lba, uint32_t blocks)
{
    int fd = open(image, O_RDONLY);

    CHILD_CHECK(fd >= 0 && pread(fd, back, blocks * 512, (off_t)(lba * 512)) == blocks * 512);
    close(fd);
}

/** Bytes of the file that have space behind them. */
static uint64_t file_space(void)
{
    struct stat status;

    CHILD_CHECK(stat(image, &status) == 0);
    return (uint64_t)status.st_blocks * 512;
}

static void check_blocks(VMINI_ADDRESS disk, uint64_t lba, uint32_t blocks, const uint8_t *wanted)
{
    CHILD_CHECK(machine_read(disk, lba, blocks, 512, back) == HOST_OK);
    CHILD_CHECK(memcmp(back, wanted, blocks * 512) == 0);
    file_bytes(lba, blocks);
    CHILD_CHECK(memcmp(back, wanted, blocks * 512) == 0);
}

/** LBA and blocks of a 16 byte CDB, with data-out. */
static uint8_t write16(VMINI_ADDRESS disk, uint8_t opcode, uint8_t flags, uint64_t lba,
                       uint32_t blocks, void *bytes, uint32_t length, struct host_request *answer)
{
    uint8_t cdb[16];

    machine_rw16(cdb, opcode, lba, blocks);
    cdb[1] = flags;
    return machine_scsi(disk, cdb, 16, length != 0 ? HOST_DATA_OUT : HOST_DATA_NONE, bytes, length,
                        answer);
}

static uint8_t unmap(VMINI_ADDRESS disk, uint64_t lba, uint32_t blocks, struct host_request *answer)
{
    uint8_t cdb[10] = {0x42, 0, 0, 0, 0, 0, 0, 0, 24}, list[24] = {0, 22, 0, 16};

    for (unsigned i = 0; i < 4; i++) {
        list[12 + i] = (uint8_t)(lba >> (24 - 8 * i));
        list[16 + i] = (uint8_t)(blocks >> (24 - 8 * i));
    }
    return machine_scsi(disk, cdb, 10, HOST_DATA_OUT, list, 24, answer);
}

static uint64_t be(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | *at++;
    }
    return value;
}

/** GET LBA STATUS: the first descriptor is so long (0: never mind), and of this status. */
static void check_status(VMINI_ADDRESS disk, uint64_t lba, uint32_t blocks, uint8_t status)
{
    uint8_t cdb[16];
    struct host_request answer;

    machine_rw16(cdb, 0x9E, lba, 512);
    cdb[1] = 0x12;
    memset(back, 0xEE, 512);
    CHILD_CHECK(machine_scsi(disk, cdb, 16, HOST_DATA_IN, back, 512, &answer) == HOST_OK);
    CHILD_CHECK(answer.transferred == be(back, 4) + 4 && answer.transferred >= 24);
    CHILD_CHECK(be(back + 8, 8) == lba && back[20] == status);
    CHILD_CHECK(blocks == 0 || be(back + 16, 4) == blocks);
}

/** MODE SELECT(6) of the two bits of the control page and of WCE. */
static void select_modes(VMINI_ADDRESS disk, bool write_cache, uint8_t flags2, uint8_t flags4)
{
    uint8_t cdb[6] = {0x15, 0x10, 0, 0, 36};
    uint8_t list[36] = {[4] = 0x08, 0x12,  write_cache ? 4 : 0, [24] = 0x0A, 0x0A, flags2,
                        0x10,       flags4};

    CHILD_CHECK(machine_scsi(disk, cdb, 6, HOST_DATA_OUT, list, 36, NULL) == HOST_OK);
}

static void fault(enum host_file_op op, unsigned nth, int error, uint32_t short_to)
{
    struct host_file_fault rule = {.op = op, .nth = nth, .error = error, .short_to = short_to};

    host_file_faults_clear();
    host_file_fault_add(&rule);
}

static void check_failed(const struct host_request *answer, uint32_t sense)
{
    CHILD_CHECK((answer->srb_status & 0x3F) == 4 && answer->scsi_status == 2);
    CHILD_CHECK(machine_sense(answer) == sense);
    CHILD_CHECK(answer->transferred == 0);
}

/* --- thin --- */

/** What is given back is a hole, reads as zeros, is deallocated; its neighbours are not touched. */
static void holes(void *unused)
{
    VMINI_ADDRESS disk = boot(THIN);
    uint64_t space;

    (void)unused;
    fill(disk);
    space = file_space();
    CHILD_CHECK(space >= BLOCKS * 512);
    check_status(disk, 0, BLOCKS, 0);
    CHILD_CHECK(unmap(disk, 2 * UNIT, 2 * UNIT, NULL) == HOST_OK);
    memset(data + 2 * UNIT * 512, 0, 2 * UNIT * 512);
    check_blocks(disk, 0, BLOCKS, data);
    CHILD_CHECK(file_space() <= space - 2 * UNIT * 512);
    check_status(disk, 0, 2 * UNIT, 0);
    check_status(disk, 2 * UNIT, 2 * UNIT, 1);
    check_status(disk, 2 * UNIT + 5, 2 * UNIT - 5, 1);
    check_status(disk, 4 * UNIT, BLOCKS - 4 * UNIT, 0);
    /* Less than a unit: zeros, and perhaps no hole. */
    CHILD_CHECK(unmap(disk, 5 * UNIT + 3, 9, NULL) == HOST_OK);
    memset(data + (5 * UNIT + 3) * 512, 0, 9 * 512);
    check_blocks(disk, 0, BLOCKS, data);
    /* And written again. */
    machine_pattern(data + 2 * UNIT * 512, 2 * UNIT, 1, 512, 9);
    CHILD_CHECK(machine_write(disk, 2 * UNIT, 1, 512, data + 2 * UNIT * 512) == HOST_OK);
    check_blocks(disk, 0, BLOCKS, data);
    check_status(disk, 2 * UNIT, 0, 0);
    CHILD_CHECK(machine_disconnect(image) == 0);
    machine_halt();
}

static void test_holes(void)
{
    CHILD_PASSES(holes, NULL);
}

/** WRITE SAME: data, zeros, zeros with UNMAP, on a disk that is thin and on one that is not. */
static void write_same(void *argument)
{
    bool thin = *(const bool *)argument;
    VMINI_ADDRESS disk = boot(thin ? THIN : 0);
    uint8_t block[512];
    uint64_t space;

    fill(disk);
    space = file_space();
    memset(block, 0xA7, 512);
    CHILD_CHECK(write16(disk, 0x93, 0, 3, UNIT, block, 512, NULL) == HOST_OK);
    memset(data + 3 * 512, 0xA7, UNIT * 512);
    check_blocks(disk, 0, BLOCKS, data);
    /* NDOB: no data, zeros are meant. They are written, and keep their space, also if the file system
     * of the image knows nothing of holes, as FAT. */
    fault(HOST_FILE_CONTROL, 1, ENOTTY, UINT32_MAX);
    CHILD_CHECK(write16(disk, 0x93, 0x01, UNIT, UNIT, NULL, 0, NULL) == HOST_OK);
    host_file_faults_clear();
    memset(data + UNIT * 512, 0, UNIT * 512);
    check_blocks(disk, 0, BLOCKS, data);
    CHILD_CHECK(file_space() == space);
    if (thin) {
        check_status(disk, UNIT, 0, 0); /* Mapped. */
        CHILD_CHECK(write16(disk, 0x93, 0x09, UNIT, UNIT, NULL, 0, NULL) == HOST_OK);
        CHILD_CHECK(file_space() < space); /* NDOB and UNMAP: given back. */
        check_status(disk, UNIT, UNIT, 1);
        /* Where the file system cannot after all, zeros are written. */
        fault(HOST_FILE_CONTROL, 1, ENOTTY, UINT32_MAX);
        CHILD_CHECK(write16(disk, 0x93, 0x09, 6 * UNIT, UNIT, NULL, 0, NULL) == HOST_OK);
        host_file_faults_clear();
        memset(data + 6 * UNIT * 512, 0, UNIT * 512);
        check_blocks(disk, 0, BLOCKS, data);
        check_status(disk, 6 * UNIT, 0, 0);
    }
    memset(block, 0, 512);
    CHILD_CHECK((write16(disk, 0x93, 0x08, 4 * UNIT, UNIT, block, 512, NULL) == HOST_OK) == thin);
    if (thin) {
        memset(data + 4 * UNIT * 512, 0, UNIT * 512);
        check_status(disk, 4 * UNIT, UNIT, 1);
    }
    check_blocks(disk, 0, BLOCKS, data);
    machine_halt();
}

static void test_write_same(void)
{
    static bool thin[] = {false, true};

    CHILD_PASSES(write_same, &thin[0]);
    CHILD_PASSES(write_same, &thin[1]);
}

/** A disk is thin only if its file can have holes: the CONNECT says so, and leaves nothing behind. */
static void thin_refused(void *unused)
{
    VMINI_CONNECT_OUT out;

    (void)unused;
    machine_boot_seeded(7);
    fault(HOST_FILE_CONTROL, 1, EOPNOTSUPP, UINT32_MAX);
    CHILD_CHECK(machine_connect(image, THIN, &out) < 0);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == 0);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    machine_disk(image, THIN);
    machine_halt();
}

static void test_thin_refused(void)
{
    CHILD_PASSES(thin_refused, NULL);
}

/** The file was cut short underneath: what is gone can be given back, but not read; and the file does
 *  not become longer by it. */
static void truncated(void *unused)
{
    VMINI_ADDRESS disk = boot(THIN);
    struct host_request answer;
    struct stat status;

    (void)unused;
    fill(disk);
    CHILD_CHECK(truncate(image, 4 * UNIT * 512) == 0);
    CHILD_CHECK(unmap(disk, 3 * UNIT, 3 * UNIT, &answer) == HOST_OK);
    CHILD_CHECK(stat(image, &status) == 0 && status.st_size == 4 * UNIT * 512);
    check_status(disk, 0, 3 * UNIT, 0);
    check_status(disk, 3 * UNIT, BLOCKS - 3 * UNIT, 1);
    memset(data, 0xFF, 1024);
    CHILD_CHECK(write16(disk, 0x89, 0, 5 * UNIT, 1, data, 1024, &answer) != HOST_OK);
    check_failed(&answer, READ_ERROR);
    CHILD_CHECK(write16(disk, 0x8B, 0, 5 * UNIT, 1, data, 512, &answer) != HOST_OK);
    check_failed(&answer, READ_ERROR);
    CHILD_CHECK(stat(image, &status) == 0 && status.st_size == 4 * UNIT * 512);
    machine_halt();
}

static void test_truncated(void)
{
    CHILD_PASSES(truncated, NULL);
    CU_ASSERT_EQUAL(truncate(image, BLOCKS * 512), 0);
}

/* --- errors in the middle --- */

/** One command of each kind; the blocks are 8 to 10, and were read or written as the pattern. */
enum kind { COMPARE_WRITE, OR_WRITE, WRITE_VERIFY, WRITE_SAME, UNMAP, LBA_STATUS, KINDS };

static uint8_t send(VMINI_ADDRESS disk, enum kind kind, struct host_request *answer)
{
    static uint8_t bytes[6 * 512];
    uint8_t cdb[16];

    memcpy(bytes, data + 8 * 512, 3 * 512);
    memset(bytes + 3 * 512, 0x5A, 3 * 512);
    switch (kind) {
    case COMPARE_WRITE:
        return write16(disk, 0x89, 0, 8, 3, bytes, 6 * 512, answer);
    case OR_WRITE:
        return write16(disk, 0x8B, 0, 8, 3, bytes + 3 * 512, 3 * 512, answer);
    case WRITE_VERIFY:
        return write16(disk, 0x8E, 0x02, 8, 3, bytes + 3 * 512, 3 * 512, answer);
    case WRITE_SAME:
        return write16(disk, 0x93, 0, 8, 3, bytes + 3 * 512, 512, answer);
    case UNMAP:
        return unmap(disk, 8, 3, answer);
    default:
        machine_rw16(cdb, 0x9E, 8, 64);
        cdb[1] = 0x12;
        return machine_scsi(disk, cdb, 16, HOST_DATA_IN, bytes, 64, answer);
    }
}

static void errors(void *unused)
{
    static const struct {
        enum kind kind;
        enum host_file_op op;
        int error;
        uint32_t sense;
    } cases[] = {
        {COMPARE_WRITE, HOST_FILE_READ, EIO, READ_ERROR},
        {COMPARE_WRITE, HOST_FILE_WRITE, EIO, WRITE_ERROR},
        {COMPARE_WRITE, HOST_FILE_WRITE, ENOSPC, NO_SPACE},
        {COMPARE_WRITE, HOST_FILE_WRITE, EROFS, PROTECTED},
        {OR_WRITE, HOST_FILE_READ, EIO, READ_ERROR},
        {OR_WRITE, HOST_FILE_READ, ENOMEM, NO_RESOURCES},
        {OR_WRITE, HOST_FILE_WRITE, EIO, WRITE_ERROR},
        {OR_WRITE, HOST_FILE_WRITE, ENOSPC, NO_SPACE},
        {WRITE_VERIFY, HOST_FILE_WRITE, EIO, WRITE_ERROR},
        {WRITE_VERIFY, HOST_FILE_WRITE, ENOSPC, NO_SPACE},
        {WRITE_VERIFY, HOST_FILE_READ, EIO, READ_ERROR},
        {WRITE_SAME, HOST_FILE_WRITE, EIO, WRITE_ERROR},
        {WRITE_SAME, HOST_FILE_WRITE, ENOSPC, NO_SPACE},
        {UNMAP, HOST_FILE_CONTROL, EIO, WRITE_ERROR},
        {UNMAP, HOST_FILE_CONTROL, ENOSPC, NO_SPACE},
        {LBA_STATUS, HOST_FILE_CONTROL, EIO, READ_ERROR},
        {LBA_STATUS, HOST_FILE_CONTROL, ENOMEM, NO_RESOURCES},
    };
    VMINI_ADDRESS disk = boot(THIN);
    struct host_request answer;

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fill(disk);
        fault(cases[i].op, 1, cases[i].error, 0); /* And nothing is moved. */
        CHILD_CHECK(send(disk, cases[i].kind, &answer) != HOST_OK);
        check_failed(&answer, cases[i].sense);
        if ((cases[i].sense >> 16) == 3 && cases[i].op != HOST_FILE_CONTROL) {
            CHILD_CHECK((answer.sense[0] & 0x80) != 0 && answer.sense[6] == 8);
        }
        if (cases[i].kind != WRITE_VERIFY) {
            check_blocks(disk, 0, BLOCKS, data); /* Nothing was written. */
        }
        host_file_faults_clear();
        fill(disk);
        CHILD_CHECK(send(disk, cases[i].kind, NULL) == HOST_OK); /* It passes. */
    }
    machine_halt();
}

static void test_errors(void)
{
    CHILD_PASSES(errors, NULL);
}

/** Whatever is shorter than it should be is an error, at the block that did not make it. */
static void short_transfers(void *unused)
{
    VMINI_ADDRESS disk = boot(0);
    struct host_request answer;

    (void)unused;
    for (uint32_t length = 0; length < 3 * 512; length += 61) {
        for (unsigned kind = COMPARE_WRITE; kind <= WRITE_SAME; kind++) {
            fill(disk);
            fault(HOST_FILE_WRITE, 1, 0, length);
            CHILD_CHECK(send(disk, (enum kind)kind, &answer) != HOST_OK);
            check_failed(&answer, WRITE_ERROR);
            CHILD_CHECK(answer.sense[6] == 8 + length / 512);
        }
        for (unsigned kind = COMPARE_WRITE; kind <= WRITE_VERIFY; kind++) {
            fill(disk);
            fault(HOST_FILE_READ, 1, 0, length);
            CHILD_CHECK(send(disk, (enum kind)kind, &answer) != HOST_OK);
            check_failed(&answer, READ_ERROR);
        }
    }
    machine_halt();
}

static void test_short_transfers(void)
{
    CHILD_PASSES(short_transfers, NULL);
}

/* --- atomic --- */

#define INITIATORS 8

/** All at once. \return how many succeeded; the others were told MISCOMPARE. */
static unsigned race(VMINI_ADDRESS disk, uint8_t opcode, uint32_t length, uint8_t *bytes)
{
    struct host_request *requests[INITIATORS];
    unsigned successes = 0;

    for (unsigned i = 0; i < INITIATORS; i++) {
        requests[i] = host_request_create();
        requests[i]->path = disk.Path;
        requests[i]->target = disk.Target;
        requests[i]->lun = disk.Lun;
        machine_rw16(requests[i]->cdb, opcode, 3, 1);
        requests[i]->cdb_length = 16;
        requests[i]->direction = HOST_DATA_OUT;
        requests[i]->data = bytes + (size_t)i * length;
        requests[i]->data_length = length;
        host_submit(requests[i]);
    }
    for (unsigned i = 0; i < INITIATORS; i++) {
        host_wait(requests[i]);
        if ((requests[i]->srb_status & 0x3F) == HOST_OK) {
            successes++;
        } else {
            CHILD_CHECK(machine_sense(requests[i]) == MISCOMPARE);
            CHILD_CHECK((requests[i]->sense[0] & 0x80) != 0 && requests[i]->sense[6] == 0);
        }
        host_request_free(requests[i]);
    }
    return successes;
}

/** Who takes a lock with COMPARE AND WRITE has it alone; bits that ORWRITE sets add up. */
static void atomic(void *seed)
{
    static uint8_t bytes[INITIATORS * 1024];
    VMINI_ADDRESS disk;
    uint8_t sum = 0;

    machine_boot_seeded((uintptr_t)seed);
    disk = machine_disk(image, 0);
    memset(data, 0, 512);
    CHILD_CHECK(machine_write(disk, 3, 1, 512, data) == HOST_OK);
    for (unsigned i = 0; i < INITIATORS; i++) {
        memset(bytes + (size_t)i * 1024, 0, 512);
        memset(bytes + (size_t)i * 1024 + 512, (int)i + 1, 512);
    }
    CHILD_CHECK(race(disk, 0x89, 1024, bytes) == 1);
    file_bytes(3, 1);
    CHILD_CHECK(back[0] >= 1 && back[0] <= INITIATORS && memcmp(back, back + 1, 511) == 0);
    sum = back[0];
    for (unsigned i = 0; i < INITIATORS; i++) {
        memset(bytes + (size_t)i * 512, 1 << i, 512);
        sum |= (uint8_t)(1 << i);
    }
    CHILD_CHECK(race(disk, 0x8B, 512, bytes) == INITIATORS);
    file_bytes(3, 1);
    CHILD_CHECK(back[0] == sum && memcmp(back, back + 1, 511) == 0);
    machine_halt();
}

static void test_atomic(void)
{
    for (uintptr_t seed = 1; seed <= 12; seed++) {
        CHILD_PASSES(atomic, (void *)seed);
    }
}

/* --- durable --- */

/** With WCE off a flush follows every write, whatever writes; and switching it off flushes first. */
static void write_cache_off(void *unused)
{
    VMINI_ADDRESS disk = boot(THIN);
    struct host_file_counts before;

    (void)unused;
    fill(disk);
    before = host_file_counts();
    select_modes(disk, false, 0, 0);
    CHILD_CHECK(host_file_counts().flushes == before.flushes + 1);
    for (unsigned kind = COMPARE_WRITE; kind <= UNMAP; kind++) {
        fill(disk);
        before = host_file_counts();
        CHILD_CHECK(send(disk, (enum kind)kind, NULL) == HOST_OK);
        CHILD_CHECK(host_file_counts().flushes == before.flushes + 1);
        CHILD_CHECK(host_file_counts().writes == before.writes + (kind == UNMAP ? 0 : 1));
    }
    fill(disk);
    before = host_file_counts();
    select_modes(disk, true, 0, 0);
    CHILD_CHECK(send(disk, OR_WRITE, NULL) == HOST_OK);
    CHILD_CHECK(host_file_counts().flushes == before.flushes);
    CHILD_CHECK(write16(disk, 0x8B, 0x08, 8, 1, data, 512, NULL) == HOST_OK); /* FUA */
    CHILD_CHECK(host_file_counts().flushes == before.flushes + 1);
    CHILD_CHECK(send(disk, WRITE_VERIFY, NULL) == HOST_OK); /* Always. */
    CHILD_CHECK(host_file_counts().flushes == before.flushes + 2);
    machine_halt();
}

static void test_write_cache_off(void)
{
    CHILD_PASSES(write_cache_off, NULL);
}

/** A flush that fails is told by the MODE SELECT that asked for it. */
static void cache_off_fails(void *unused)
{
    uint8_t cdb[6] = {0x15, 0x10, 0, 0, 24}, list[24] = {[4] = 0x08, 0x12, 0};
    VMINI_ADDRESS disk = boot(0);
    struct host_request answer;

    (void)unused;
    fill(disk);
    fault(HOST_FILE_FLUSH, 1, EIO, UINT32_MAX);
    CHILD_CHECK(machine_scsi(disk, cdb, 6, HOST_DATA_OUT, list, 24, &answer) != HOST_OK);
    check_failed(&answer, WRITE_ERROR);
    machine_halt();
}

static void test_cache_off_fails(void)
{
    CHILD_PASSES(cache_off_fails, NULL);
}

/* --- modes --- */

/** D_SENSE and SWP, until a reset puts the defaults back. */
static void modes_until_reset(void *unused)
{
    VMINI_ADDRESS disk = boot(0);
    struct host_request answer;

    (void)unused;
    fill(disk);
    select_modes(disk, true, 0x04, 0x08);
    CHILD_CHECK(machine_write(disk, 0, 1, 512, data) != HOST_OK);
    CHILD_CHECK(send(disk, OR_WRITE, &answer) != HOST_OK);
    CHILD_CHECK(answer.sense[0] == 0x72 && answer.sense[1] == 7 && answer.sense[2] == 0x27);
    CHILD_CHECK(write16(disk, 0x88, 0, BLOCKS, 1, NULL, 0, &answer) != HOST_OK);
    CHILD_CHECK(answer.sense[0] == 0x72 && answer.sense[2] == 0x21 && answer.sense[7] >= 12);
    CHILD_CHECK(answer.sense[8] == 0 && answer.sense[9] == 0x0A && answer.sense[10] == 0x80);
    CHILD_CHECK(be(answer.sense + 12, 8) == BLOCKS);
    CHILD_CHECK(host_reset(HOST_RESET_UNIT, disk.Path, disk.Target, disk.Lun));
    CHILD_CHECK(machine_write(disk, 0, 1, 512, data) == HOST_OK);
    CHILD_CHECK(write16(disk, 0x88, 0, BLOCKS, 1, NULL, 0, &answer) != HOST_OK);
    CHILD_CHECK(machine_sense(&answer) == OUT_OF_RANGE && (answer.sense[0] & 0x7F) == 0x70);
    machine_halt();
}

static void test_modes_until_reset(void)
{
    CHILD_PASSES(modes_until_reset, NULL);
}

/* --- no medium --- */

static uint8_t start_stop(VMINI_ADDRESS disk, uint8_t how, struct host_request *answer)
{
    uint8_t cdb[6] = {0x1B, 0, 0, 0, how};

    return machine_scsi(disk, cdb, 6, HOST_DATA_NONE, NULL, 0, answer);
}

/** Whatever needs a medium says that there is none; loaded again, all is as before. */
static void no_medium(void *unused)
{
    static const uint8_t cdbs[][16] = {{0x00},
                                       {0x25},
                                       {0x35},
                                       {0x91},
                                       {0x28, [8] = 1},
                                       {0x08, [4] = 1},
                                       {0xA8, [9] = 1},
                                       {0x88, [13] = 1},
                                       {0x2F, [8] = 1},
                                       {0xAF, [9] = 1},
                                       {0x8F, [13] = 1},
                                       {0x2A, [8] = 1},
                                       {0xAA, [9] = 1},
                                       {0x8A, [13] = 1},
                                       {0x2E, [8] = 1},
                                       {0xAE, [9] = 1},
                                       {0x8E, [13] = 1},
                                       {0x9E, 0x10, [13] = 32},
                                       {0x9E, 0x12, [13] = 24},
                                       {0x34, [8] = 1},
                                       {0x90, [13] = 1},
                                       {0x89, [13] = 1},
                                       {0x8B, [13] = 1},
                                       {0x42, [8] = 24},
                                       {0x41, [8] = 1},
                                       {0x93, [13] = 1},
                                       {0x37, [8] = 8},
                                       {0xB7, [9] = 8}};
    static const uint8_t lengths[8] = {6, 10, 10, 6, 16, 12, 6, 6};
    VMINI_ADDRESS disk = boot(THIN | REMOVABLE);
    uint8_t prevent[6] = {0x1E, 0, 0, 0, 1}, allow[6] = {0x1E}, sense[18];
    struct host_request answer;

    (void)unused;
    fill(disk);
    CHILD_CHECK(machine_scsi(disk, prevent, 6, HOST_DATA_NONE, NULL, 0, NULL) == HOST_OK);
    CHILD_CHECK(start_stop(disk, 2, &answer) != HOST_OK && machine_sense(&answer) == PREVENTED);
    CHILD_CHECK(machine_scsi(disk, allow, 6, HOST_DATA_NONE, NULL, 0, NULL) == HOST_OK);
    CHILD_CHECK(start_stop(disk, 2, NULL) == HOST_OK);
    for (size_t i = 0; i < sizeof(cdbs) / sizeof(cdbs[0]); i++) {
        memset(sense, 0, sizeof(sense));
        CHILD_CHECK(machine_scsi(disk, cdbs[i], lengths[cdbs[i][0] >> 5], HOST_DATA_NONE, sense, 0,
                                 &answer) != HOST_OK);
        CHILD_CHECK(machine_sense(&answer) >> 8 == NO_MEDIUM);
    }
    CHILD_CHECK(start_stop(disk, 3, NULL) == HOST_OK);
    check_blocks(disk, 0, BLOCKS, data);
    machine_halt();
}

static void test_no_medium(void)
{
    CHILD_PASSES(no_medium, NULL);
}

/** The user data of a CD's sectors, by either kind of address, are what READ(10) has: more of them than
 *  the worker moves at a time, and what is left of the buffer stays as it was. */
static void read_cd(void *unused)
{
    enum { SECTORS = 40, AT = 100, ROOM = (SECTORS + 1) * 2048 };
    uint8_t cd[12] = {0xBE, 0, 0, 0, 0, AT, 0, 0, SECTORS, 0x10};
    uint8_t msf[12] = {0xB9, 0, 0, 0, 3, 25, 0, 3, 65, 0x10}; /* 00:03:25 is LBA 100. */
    VMINI_ADDRESS disc;
    struct host_request answer;
    int fd = open(image, O_WRONLY);

    (void)unused;
    machine_pattern(data, AT, SECTORS, 2048, 1);
    CHILD_CHECK(pwrite(fd, data, SECTORS * 2048, AT * 2048) == SECTORS * 2048 && close(fd) == 0);
    machine_boot_seeded(7);
    disc = machine_disk(image, VMINI_CONNECT_CDROM);
    for (unsigned i = 0; i < 2; i++) {
        memset(back, 0xEE, ROOM);
        CHILD_CHECK(machine_scsi(disc, i == 0 ? cd : msf, 12, HOST_DATA_IN, back, ROOM, &answer) ==
                    HOST_OK);
        CHILD_CHECK(answer.transferred == SECTORS * 2048);
        CHILD_CHECK(memcmp(back, data, SECTORS * 2048) == 0);
        CHILD_CHECK(back[SECTORS * 2048] == 0xEE && back[ROOM - 1] == 0xEE);
    }
    fault(HOST_FILE_READ, 2, EIO, UINT32_MAX);
    CHILD_CHECK(machine_scsi(disc, cd, 12, HOST_DATA_IN, back, ROOM, &answer) != HOST_OK);
    CHILD_CHECK(machine_sense(&answer) == READ_ERROR && answer.transferred == 0);
    machine_halt();
}

static void test_read_cd(void)
{
    CHILD_PASSES(read_cd, NULL);
}

static int make_image(void)
{
    image = machine_image("rarer.img", BLOCKS * 512);
    return 0;
}

CU_ErrorCode register_rarer_suite(void);
CU_ErrorCode register_rarer_suite(void)
{
    static CU_TestInfo tests[] = {
        {"UNMAP makes holes, GET LBA STATUS finds them", test_holes},
        {"WRITE SAME on both kinds of disk", test_write_same},
        {"a file that cannot have holes", test_thin_refused},
        {"a thin file that is truncated underneath", test_truncated},
        {"errors in the middle", test_errors},
        {"less than asked for, in the middle", test_short_transfers},
        {"COMPARE AND WRITE and ORWRITE, all at once", test_atomic},
        {"without write cache all is written through", test_write_cache_off},
        {"a cache that cannot be flushed", test_cache_off_fails},
        {"D_SENSE and SWP last until a reset", test_modes_until_reset},
        {"no medium", test_no_medium},
        {"READ CD and READ CD MSF", test_read_cd},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"rarer commands, end to end", make_image, machine_clean, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
