/*
 * The driver's life as a whole: loaded for nothing, started and stopped again and again, short of
 * memory at any point; and a foreign miniport on the same host. What each leaves behind is nothing.
 */
#include <CUnit/Basic.h>

#include <stdlib.h>
#include <string.h>

#include "nt/nt.h"
#include "support/child.h"
#include "system/machine.h"

static const char *image;

static void install(const char *service, const char *driver, bool devnode)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 4}, .verifier = true};
    struct host_error error;

    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install_bare(service, driver, devnode, &error));
}

/** DriverEntry succeeds, but nobody calls HwFindAdapter: there is nothing to find. */
static void no_devnode(void *unused)
{
    struct host_error error;
    char words[4096] = "";
    FILE *out = fmemopen(words, sizeof(words), "w");

    (void)unused;
    install(MACHINE_SERVICE, machine_driver(), false);
    CHILD_CHECK(!host_start(&error) && error.remedy[0] != '\0');
    host_why(out);
    fclose(out);
    CHILD_CHECK(strstr(words, "devnode") != NULL || strstr(words, "device node") != NULL);
    machine_halt();
}

static void test_no_devnode(void)
{
    CHILD_PASSES(no_devnode, NULL);
}

static void use(void)
{
    uint8_t data[512];
    VMINI_ADDRESS disk = machine_disk(image, 0);

    CHILD_CHECK(machine_write(disk, 7, 1, 512, data) == 1);
    CHILD_CHECK(machine_read(disk, 7, 1, 512, data) == 1);
}

/** A disk outlives stop and restart, not the removal of the adapter. */
static void again_and_again(void *unused)
{
    struct host_error error;

    (void)unused;
    install(MACHINE_SERVICE, machine_driver(), true);
    for (unsigned i = 0; i < 4; i++) {
        CHILD_CHECK(host_start(&error));
        CHILD_CHECK(host_units(NULL, 0) == 0);
        use();
        CHILD_CHECK(host_adapter_stop(&error) && host_adapter_restart(&error));
        CHILD_CHECK(host_units(NULL, 0) == 1);
        CHILD_CHECK(host_remove(&error) && host_unload(&error));
        CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    }
    machine_halt();
}

static void test_again_and_again(void)
{
    CHILD_PASSES(again_and_again, NULL);
}

/** A miniport that shares no code with ours, and registers with the structure of 2009. */
static void foreign_miniport(void *unused)
{
    const char *fixtures = getenv("VMINI_FIXTURES");
    VMINI_ADDRESS disk = {0, 0, 0, 0};
    uint8_t out[1024], in[1024], cdb[16];
    struct host_error error;
    struct host_unit unit;
    char driver[4096];

    (void)unused;
    snprintf(driver, sizeof(driver), "%s/ramdisk.so",
             fixtures != NULL ? fixtures : "build/tests/fixtures");
    install("ramdisk", driver, true);
    CHILD_CHECK(host_start(&error));
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.claimed && unit.block_size == 512);
    machine_pattern(out, 3, 2, 512, 1);
    machine_rw_cdb(cdb, 10, true, 3, 2);
    CHILD_CHECK(machine_scsi(disk, cdb, 10, HOST_DATA_OUT, out, 1024, NULL) == 1);
    machine_rw_cdb(cdb, 10, false, 3, 2);
    CHILD_CHECK(machine_scsi(disk, cdb, 10, HOST_DATA_IN, in, 1024, NULL) == 1);
    CHILD_CHECK(memcmp(in, out, 1024) == 0);
    CHILD_CHECK(host_remove(&error) && host_unload(&error));
    machine_halt();
}

static void test_foreign_miniport(void)
{
    CHILD_PASSES(foreign_miniport, NULL);
}

/* --- short of memory --- */

/** More than a start or a use has: the last shortage is none, and everything works. */
#define ALLOCATIONS 40

struct shortage {
    unsigned nth;
    bool from_then_on;
};

/** One address: a scan has little to allocate. */
static void install_small(void)
{
    install(MACHINE_SERVICE, machine_driver(), true);
    host_set_parameter(MACHINE_SERVICE, "MaximumTargets", 1);
    host_set_parameter(MACHINE_SERVICE, "MaximumLuns", 1);
}

/** The n-th allocation fails, or all from the n-th on, while the adapter starts. */
static void short_start(const struct shortage *shortage)
{
    struct host_error error;

    install_small();
    nt_pool_fail(shortage->nth, shortage->from_then_on);
    CHILD_CHECK(host_start(&error) || shortage->nth < ALLOCATIONS);
    nt_pool_fail(0, false);
    machine_halt();
}

/** The same while a disk is connected, written, read and disconnected: what fails, fails cleanly,
 *  and afterwards everything works. */
static void short_use(const struct shortage *shortage)
{
    VMINI_CONNECT_OUT disk = {.Address = {0, 0, 0, 0}};
    struct host_error error;
    uint8_t data[512];
    bool worked;

    install_small();
    CHILD_CHECK(host_start(&error));
    nt_pool_fail(shortage->nth, shortage->from_then_on);
    worked = machine_connect(image, 0, &disk) == 0;
    worked &= machine_write(disk.Address, 0, 1, 512, data) == 1;
    worked &= machine_read(disk.Address, 0, 1, 512, data) == 1;
    worked &= machine_disconnect(image) == 0;
    nt_pool_fail(0, false);
    CHILD_CHECK(worked || shortage->nth < ALLOCATIONS);
    machine_disconnect(image);
    host_settle();
    use();
    machine_halt();
}

/** Every shortage, one machine after the other. */
static void short_of_memory(void *shortly)
{
    for (unsigned i = 0; i < 2 * ALLOCATIONS; i++) {
        struct shortage shortage = {1 + i / 2, i % 2 != 0};

        fprintf(stderr, "allocation %u%s fails\n", shortage.nth,
                shortage.from_then_on ? " and every later one" : "");
        ((void (*)(const struct shortage *))shortly)(&shortage);
    }
}

static void test_short_of_memory(void)
{
    CHILD_PASSES(short_of_memory, short_start);
    CHILD_PASSES(short_of_memory, short_use);
}

static int make_image(void)
{
    image = machine_image("life.img", 64 * 512);
    return 0;
}

CU_ErrorCode register_life_suite(void);
CU_ErrorCode register_life_suite(void)
{
    static CU_TestInfo tests[] = {
        {"without a devnode nothing happens, and host_why says so", test_no_devnode},
        {"start, use, stop, restart, remove, unload, four times", test_again_and_again},
        {"a foreign miniport", test_foreign_miniport},
        {"short of memory at every allocation", test_short_of_memory},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"life: load, start, stop, unload", make_image, machine_clean, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
