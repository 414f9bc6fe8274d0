/*
 * Static devices: images that the registry names are on the bus once the adapter has started, and
 * nothing that goes wrong with one of them keeps the adapter from starting.
 */
#include <CUnit/Basic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install.h"
#include "nt/nt.h"
#include "support/child.h"
#include "system/machine.h"

#define DEVICES "HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini\\Parameters\\Devices"

static char disk[4096], cdrom[4096], secret[4096];

/** A machine with the driver installed, not started. */
static void boot(uint64_t seed)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = seed}, .verifier = true};
    struct host_error error;

    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install_bare(MACHINE_SERVICE, machine_driver(), true, &error));
}

/** Names an image in the registry. \param path of this host, or of Windows if it has a backslash. */
static void name_image(const char *key, const char *path, uint32_t flags, uint32_t address)
{
    uint16_t wide[VMINI_PATH_LENGTH], *typed;
    struct host_error error;
    char full[600];
    size_t chars = 0;

    snprintf(full, sizeof(full), DEVICES "\\%s", key);
    if (strchr(path, '\\') != NULL) {
        typed = host_utf16(path, &chars);
        CHILD_CHECK(host_registry_write(full, "Path", HOST_REG_SZ, typed, (chars + 1) * 2));
        free(typed);
    } else {
        CHILD_CHECK(host_win32_path(path, wide, VMINI_PATH_LENGTH, &error));
        while (wide[chars] != 0) {
            chars++;
        }
        CHILD_CHECK(host_registry_write(full, "Path", HOST_REG_SZ, wide, (chars + 1) * 2));
    }
    CHILD_CHECK(host_registry_write(full, "Flags", HOST_REG_DWORD, &flags, 4));
    if (address != 0xFFFFFF) {
        CHILD_CHECK(host_registry_write(full, "Address", HOST_REG_DWORD, &address, 4));
    }
}

#define ANYWHERE 0xFFFFFF

/** The workers have opened what there is, and Storport has seen it. */
static void settle(void)
{
    sched_settle(sched_time());
    host_settle();
}

static void connected(void *unused)
{
    struct host_unit units[3];
    struct host_error error;
    uint8_t data[512];

    (void)unused;
    boot(1);
    name_image("a", disk, 0, ANYWHERE);
    name_image("b", cdrom, VMINI_CONNECT_CDROM, 0x000502);
    for (unsigned i = 0; i < 3; i++) { /* At every start, and only then. */
        CHILD_CHECK(host_start(&error));
        settle();
        CHILD_CHECK(host_units(units, 3) == 2);
        CHILD_CHECK(units[0].target == 0 && units[0].device_type == 0 && units[0].claimed);
        CHILD_CHECK(units[1].target == 5 && units[1].lun == 2 && units[1].device_type == 5);
        CHILD_CHECK(machine_write((VMINI_ADDRESS){0, 0, 0, 0}, 3, 1, 512, data) == 1);
        CHILD_CHECK(machine_disconnect(disk) == 0 && host_scan() == 1);
        CHILD_CHECK(host_adapter_stop(&error) && host_adapter_restart(&error));
        CHILD_CHECK(host_scan() == 1);
        CHILD_CHECK(host_remove(&error) && host_unload(&error));
        CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    }
    machine_halt();
}

/** An event of this kind and status, about this path. */
static bool told(uint32_t kind, int32_t status, const char *path)
{
    VMINI_EVENT event;
    char text[VMINI_PATH_LENGTH];
    bool found = false;

    for (uint64_t last = 0; last < 7 && !found; last = event.Sequence) {
        size_t i = 0;

        CHILD_CHECK(machine_event(last, &event) == 0);
        for (; event.PathName[i] != 0; i++) {
            text[i] = event.PathName[i] == '\\' ? '/' : (char)event.PathName[i];
        }
        text[i] = '\0';
        found = event.Kind == kind && event.Status == status && strstr(text, path) != NULL;
    }
    return found;
}

static void failures(void *unused)
{
    struct host_error error;
    uint32_t number = 1;

    (void)unused;
    boot(1);
    name_image("0", "/no/such.img", 0, ANYWHERE);
    name_image("1", "relative\\path.img", 0, ANYWHERE);
    name_image("2", disk, 0x80, ANYWHERE);
    name_image("3", disk, 0, 0x090000);
    CHILD_CHECK(host_registry_write(DEVICES "\\4", "Flags", HOST_REG_DWORD, &number, 4));
    name_image("5", disk, 0, ANYWHERE);
    name_image("6", disk, VMINI_CONNECT_READ_ONLY, ANYWHERE);
    CHILD_CHECK(host_start(&error));
    settle();
    CHILD_CHECK(host_units(NULL, 0) == 1);
    CHILD_CHECK(told(VminiEventConnectFailed, STATUS_OBJECT_PATH_NOT_FOUND, "/no/such.img"));
    CHILD_CHECK(told(VminiEventConnectFailed, STATUS_OBJECT_NAME_INVALID, "relative/path.img"));
    CHILD_CHECK(
        told(VminiEventConnectFailed, STATUS_INVALID_PARAMETER, disk)); /* Flags, address. */
    CHILD_CHECK(told(VminiEventConnectFailed, STATUS_OBJECT_NAME_NOT_FOUND, ""));
    CHILD_CHECK(told(VminiEventConnectFailed, STATUS_OBJECT_NAME_COLLISION, disk));
    CHILD_CHECK(told(VminiEventArrival, STATUS_SUCCESS, disk));
    machine_halt();
}

/** The start does not wait for a file that does not open. */
static void slow_file(void *unused)
{
    struct host_file_fault fault = {
        .op = HOST_FILE_OPEN, .nth = 1, .short_to = UINT32_MAX, .hang = true};
    struct host_error error;

    (void)unused;
    boot(1);
    name_image("a", disk, 0, ANYWHERE);
    host_file_fault_add(&fault);
    CHILD_CHECK(host_start(&error));
    CHILD_CHECK(host_units(NULL, 0) == 0);
    host_file_release();
    settle();
    CHILD_CHECK(host_units(NULL, 0) == 1);
    machine_halt();
}

/** The system opens the file, whoever is logged on: with its own rights, and checked. */
static void as_the_system(void *unused)
{
    struct host_error error;

    (void)unused;
    boot(1);
    name_image("a", secret, 0, ANYWHERE);
    host_set_user(HOST_USER_STANDARD, 65534);
    CHILD_CHECK(host_start(&error));
    settle();
    CHILD_CHECK(host_units(NULL, 0) == 1);
    host_set_user(HOST_USER_ADMINISTRATOR, 0);
    machine_halt();
}

/** Removed, stopped or scanned at any moment of the arrival. */
static void any_moment(void *seed)
{
    struct host_error error;
    uint64_t number = (uintptr_t)seed;

    boot(number);
    name_image("a", disk, 0, ANYWHERE);
    name_image("b", "/no/such.img", 0, ANYWHERE);
    name_image("c", cdrom, VMINI_CONNECT_CDROM, ANYWHERE);
    CHILD_CHECK(host_start(&error));
    sched_settle(number % 5 == 0 ? sched_time() : 0);
    if (number % 3 == 0) {
        host_scan();
    }
    if (number % 2 == 0) {
        CHILD_CHECK(host_adapter_stop(&error));
        CHILD_CHECK(host_adapter_restart(&error));
    }
    CHILD_CHECK(host_remove(&error) && host_unload(&error));
    machine_halt();
}

/** The n-th allocation of the start fails, or all from there on. */
static void short_of_memory(void *argument)
{
    uintptr_t nth = (uintptr_t)argument;
    struct host_error error;

    boot(1);
    name_image("a", disk, 0, ANYWHERE);
    name_image("b", cdrom, VMINI_CONNECT_CDROM, ANYWHERE);
    nt_pool_fail((unsigned)(nth / 2), nth % 2 != 0);
    (void)host_start(&error);
    settle();
    nt_pool_fail(0, false);
    machine_halt();
}

static void test_connected(void)
{
    CHILD_PASSES(connected, NULL);
}

static void test_failures(void)
{
    CHILD_PASSES(failures, NULL);
}

static void test_slow_file(void)
{
    CHILD_PASSES(slow_file, NULL);
}

static void test_as_the_system(void)
{
    CHILD_PASSES(as_the_system, NULL);
}

static void test_any_moment(void)
{
    for (uintptr_t seed = 1; seed <= child_seeds(120); seed++) {
        CHILD_PASSES(any_moment, (void *)seed);
    }
}

static void test_short_of_memory(void)
{
    for (uintptr_t nth = 2; nth < 2 * 50; nth++) {
        CHILD_PASSES(short_of_memory, (void *)nth);
    }
}

static int make_images(void)
{
    snprintf(disk, sizeof(disk), "%s", machine_image("static.img", 64 * 512));
    snprintf(cdrom, sizeof(cdrom), "%s", machine_image("static.iso", 64 * 2048));
    snprintf(secret, sizeof(secret), "%s", machine_image("secret.img", 64 * 512));
    return chmod(secret, 0600);
}

CU_ErrorCode register_static_suite(void);
CU_ErrorCode register_static_suite(void)
{
    static CU_TestInfo tests[] = {
        {"they are there after every start", test_connected},
        {"a failure is an event, and never fails the start", test_failures},
        {"the start does not wait for the files", test_slow_file},
        {"the files are opened as the system", test_as_the_system},
        {"removed at any moment", test_any_moment},
        {"short of memory at every allocation", test_short_of_memory},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"static devices", make_images, machine_clean, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
