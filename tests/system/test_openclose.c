/*
 * Opening and closing images beside the I/O of other disks, with one worker: a share that does not
 * answer holds up nobody else, and an image may lie on a disk of this driver's.
 */
#include <CUnit/Basic.h>

#include "nt/nt.h"
#include "support/child.h"
#include "system/machine.h"

#define BLOCKS 64u

static const char *below, *above;

/** A machine whose driver has one worker, with one disk. */
static VMINI_ADDRESS boot(uint64_t seed)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = seed, .processors = 2},
                                   .verifier = true};
    struct host_error error;

    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install_bare(MACHINE_SERVICE, machine_driver(), true, &error));
    host_set_parameter(MACHINE_SERVICE, "NumberOfWorkers", 1);
    host_set_parameter(MACHINE_SERVICE, "MaximumTargets", 3);
    host_set_parameter(MACHINE_SERVICE, "MaximumLuns", 1);
    CHILD_CHECK(host_start(&error));
    return machine_disk(below, 0);
}

static void hang(enum host_file_op op)
{
    struct host_file_fault rule = {.op = op, .nth = 1, .short_to = UINT32_MAX, .hang = true};

    host_file_fault_add(&rule);
}

static void begin(struct host_ioctl *ioctl, const void *input, uint32_t length, void *output,
                  uint32_t output_length)
{
    *ioctl = (struct host_ioctl){.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                                 .input = input,
                                 .input_length = length,
                                 .output = output,
                                 .output_length = output_length};
    host_ioctl_start(ioctl);
    sched_settle(sched_time());
}

/** While an open does not come back, another disk is read, written, disconnected and gone. */
static void open_hangs(void *seed)
{
    VMINI_ADDRESS disk = boot((uintptr_t)seed);
    VMINI_CONNECT_OUT output;
    VMINI_CONNECT_IN input;
    uint8_t block[512] = {1};
    struct host_ioctl ioctl;

    hang(HOST_FILE_OPEN);
    begin(&ioctl, &input, machine_connect_in(&input, above, 0), &output, sizeof(output));
    CHILD_CHECK(machine_write(disk, 3, 1, 512, block) == 1);
    CHILD_CHECK(machine_read(disk, 3, 1, 512, block) == 1 && block[0] == 1);
    CHILD_CHECK(machine_disconnect(below) == 0);
    host_file_release();
    CHILD_CHECK(host_ioctl_wait(&ioctl) == 0);
    CHILD_CHECK(machine_disconnect(above) == 0);
    machine_halt();
}

static void not_opened(void *context)
{
    (void)context;
    CHILD_CHECK(!"the file is opened");
}

/** A CONNECT that waits behind an open which does not come back is cancelled: its file is not
 *  opened any more. */
static void nobody_waits(void *seed)
{
    VMINI_CONNECT_OUT output, other_output;
    VMINI_CONNECT_IN input, other;
    struct host_ioctl hangs, waits;

    boot((uintptr_t)seed);
    hang(HOST_FILE_OPEN);
    begin(&hangs, &input, machine_connect_in(&input, above, 0), &output, sizeof(output));
    begin(&waits, &other, machine_connect_in(&other, machine_image("third.img", BLOCKS * 512), 0),
          &other_output, sizeof(other_output));
    host_ioctl_cancel(&waits);
    CHILD_CHECK(host_ioctl_wait(&waits) == STATUS_CANCELLED);
    host_file_below(HOST_FILE_OPEN, not_opened, NULL);
    host_file_release();
    CHILD_CHECK(host_ioctl_wait(&hangs) == 0);
    CHILD_CHECK(machine_disconnect(above) == 0);
    machine_halt();
}

/** While the flush before a close does not come back, another disk is read, and one is connected. */
static void close_hangs(void *seed)
{
    VMINI_ADDRESS disk = boot((uintptr_t)seed);
    VMINI_DISCONNECT_IN input;
    uint8_t block[512];
    struct host_ioctl ioctl;

    machine_disk(above, 0);
    hang(HOST_FILE_FLUSH);
    begin(&ioctl, &input, machine_disconnect_in(&input, above), NULL, 0);
    CHILD_CHECK(machine_read(disk, 3, 1, 512, block) == 1);
    machine_disk(machine_image("third.img", BLOCKS * 512), 0);
    host_file_release();
    CHILD_CHECK(host_ioctl_wait(&ioctl) == 0);
    machine_halt();
}

/** What the file system of a volume that lies on our disk does there before it opens or flushes a
 *  file. */
static void use_disk(void *context)
{
    const VMINI_ADDRESS *disk = context;
    uint8_t block[512] = {0};

    CHILD_CHECK(machine_read(*disk, 0, 1, 512, block) == 1);
    CHILD_CHECK(machine_write(*disk, 0, 1, 512, block) == 1);
}

/** An image that lies on a disk of this driver's is opened, used, closed. */
static void on_our_own_disk(void *seed)
{
    VMINI_ADDRESS disk = boot((uintptr_t)seed);
    uint8_t block[512] = {2};
    VMINI_ADDRESS upper;

    host_file_below(HOST_FILE_OPEN, use_disk, &disk);
    upper = machine_disk(above, 0);
    CHILD_CHECK(machine_write(upper, 5, 1, 512, block) == 1);
    host_file_below(HOST_FILE_FLUSH, use_disk, &disk);
    CHILD_CHECK(machine_disconnect(above) == 0);
    host_file_below(HOST_FILE_FLUSH, NULL, NULL);
    CHILD_CHECK(machine_disconnect(below) == 0);
    machine_halt();
}

static void each_seed(void (*scenario)(void *))
{
    for (uintptr_t seed = 1; seed <= child_seeds(30); seed++) {
        CHILD_PASSES(scenario, (void *)seed);
    }
}

static void test_open_hangs(void)
{
    each_seed(open_hangs);
}

static void test_nobody_waits(void)
{
    each_seed(nobody_waits);
}

static void test_close_hangs(void)
{
    each_seed(close_hangs);
}

static void test_on_our_own_disk(void)
{
    each_seed(on_our_own_disk);
}

static int make_images(void)
{
    below = machine_image("below.img", BLOCKS * 512);
    above = machine_image("above.img", BLOCKS * 512);
    return 0;
}

CU_ErrorCode register_openclose_suite(void);
CU_ErrorCode register_openclose_suite(void)
{
    static CU_TestInfo tests[] = {
        {"an open that hangs holds up no other disk", test_open_hangs},
        {"nor does a close", test_close_hangs},
        {"an open that nobody waits for any more is not begun", test_nobody_waits},
        {"an image on a disk of our own", test_on_our_own_disk},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"opening and closing beside the I/O", make_images, machine_clean, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
