/*
 * From a package to the registry: what installing writes, what the flags of AddReg do to values
 * that are there already, and what a machine remembers that boots from a kept registry.
 */
#include "support/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inf_fixture.h"
#include "install.h"

#define SERVICE    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\test"
#define PARAMETERS SERVICE "\\Parameters"
#define SOFTWARE                                                                                   \
    "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\"                                            \
    "{4D36E97B-E325-11CE-BFC1-08002BE10318}\\0000"
#define NODE "HKLM\\SYSTEM\\CurrentControlSet\\Enum\\ROOT\\SCSIADAPTER\\0000"

static char directory[64];

/** A file of the scratch folder. */
static const char *path(const char *name)
{
    static char buffers[4][128];
    static unsigned next;

    next = (next + 1) % 4;
    snprintf(buffers[next], sizeof(buffers[next]), "%s/%s", directory, name);
    return buffers[next];
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(path(name), "w");

    CHILD_CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void boot(void)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 1},
                                   .registry_file = path("registry")};
    struct host_error error;

    CHILD_CHECK(host_boot(&options, &error));
}

/** A package in a folder of its own, and a machine. */
static void set_up(void)
{
    strcpy(directory, "/tmp/vmini-package-XXXXXX");
    CHILD_CHECK(mkdtemp(directory) != NULL);
    write_text("test.inf", inf_fixture_good);
    write_text("test.sys", "not loaded here");
    boot();
}

/** The package gets another INF, whose [ServiceReg] begins with these lines. */
static void write_inf(const char *lines)
{
    char section[5000], *inf;

    snprintf(section, sizeof(section), "[ServiceReg]\n%s\n", lines);
    inf = inf_fixture_edit(inf_fixture_good, "[ServiceReg]\n", section);
    write_text("test.inf", inf);
    free(inf);
}

static void tear_down(void)
{
    char command[128];

    CHILD_CHECK(host_halt(stderr) == 0);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    CHILD_CHECK(system(command) == 0);
}

static bool install(const char *hardware_id, bool no_device, struct host_error *error)
{
    struct host_package package = {.inf = path("test.inf"),
                                   .hardware_id = hardware_id,
                                   .no_device = no_device,
                                   .test_signing = true};

    return host_install_package(&package, error);
}

/** A value has this type and these bytes. */
static bool holds(const char *key, const char *value, uint32_t type, const void *data,
                  size_t length)
{
    size_t count;
    struct host_registry_item *items = host_registry_read(key, &count);
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        found |= !items[i].is_key && strcmp(items[i].name, value) == 0 && items[i].type == type &&
                 items[i].length == length && memcmp(items[i].data, data, length) == 0;
    }
    host_registry_free(items, count);
    return found;
}

#define HOLDS(key, value, type, text) holds(key, value, type, text, sizeof(text))

static bool exists(const char *key)
{
    size_t count;
    struct host_registry_item *items = host_registry_read(key, &count);

    host_registry_free(items, count);
    return items != NULL;
}

/* --- what is written --- */

static void written(void *unused)
{
    struct host_error error;
    struct host_device device;
    uint32_t one = 1, three = 3;

    (void)unused;
    set_up();
    CHILD_CHECK(install("ROOT\\Compatible", false, &error));
    CHILD_CHECK(strcmp(host_service(), "test") == 0);
    CHILD_CHECK(holds(SERVICE, "Type", HOST_REG_DWORD, &one, 4));
    CHILD_CHECK(holds(SERVICE, "Start", HOST_REG_DWORD, &three, 4));
    CHILD_CHECK(HOLDS(SERVICE, "DisplayName", HOST_REG_SZ, u"Test adapter"));
    CHILD_CHECK(HOLDS(SERVICE, "Description", HOST_REG_SZ, u"A driver; for tests"));
    CHILD_CHECK(HOLDS(SERVICE, "Group", HOST_REG_SZ, u"SCSI Miniport"));
    CHILD_CHECK(HOLDS(PARAMETERS "\\Sub", "Path", HOST_REG_EXPAND_SZ, u"%SystemRoot%\\x"));
    CHILD_CHECK(HOLDS(PARAMETERS, "Bytes", HOST_REG_BINARY, ((const char[]){1, 2, (char)0xFF})));
    /* The ID that was asked for, as the INF writes it. */
    CHILD_CHECK(HOLDS(NODE, "HardwareID", HOST_REG_MULTI_SZ, u"root\\compatible\0"));
    CHILD_CHECK(HOLDS(NODE, "Service", HOST_REG_SZ, u"test"));
    CHILD_CHECK(HOLDS(NODE, "Security", HOST_REG_SZ, u"D:P(A;;GA;;;SY)(A;;GA;;;BA)"));
    CHILD_CHECK(
        HOLDS(NODE, "Driver", HOST_REG_SZ, u"{4D36E97B-E325-11CE-BFC1-08002BE10318}\\0000"));
    CHILD_CHECK(HOLDS(SOFTWARE, "InfSection", HOST_REG_SZ, u"Inst.NT"));
    CHILD_CHECK(HOLDS(SOFTWARE, "Words", HOST_REG_MULTI_SZ, u"one\0two, three\0four\0"));
    CHILD_CHECK(host_devices(&device, 1) == 1 && !device.started && device.problem[0] == '\0');
    CHILD_CHECK(strcmp(device.hardware_id, "root\\compatible") == 0);
    tear_down();
}

static void test_written(void)
{
    CHILD_PASSES(written, NULL);
}

/* --- flags --- */

static void flags(void *unused)
{
    struct host_error error;
    uint32_t old = 7;

    (void)unused;
    set_up();
    host_registry_write(PARAMETERS, "keep", HOST_REG_DWORD, &old, 4);
    host_registry_write(PARAMETERS, "gone", HOST_REG_DWORD, &old, 4);
    host_registry_write(PARAMETERS, "over", HOST_REG_DWORD, &old, 4);
    host_registry_write(PARAMETERS, "list", HOST_REG_MULTI_SZ, u"a\0bc\0", 12);
    write_inf("HKR,Parameters,keep,0x00010003,1\n"
              "HKR,Parameters,new,0x00010003,7\n"
              "HKR,Parameters,gone,0x00000004\n"
              "HKR,Parameters,never,0x00000004\n"
              "HKR,Parameters,over,0x00010021,1\n"
              "HKR,Parameters,absent,0x00010021,1\n"
              "HKR,Parameters\\Empty,,0x00000010\n"
              "HKR,Parameters,list,0x00010008,bc,b,d,d\n"
              "HKR,Parameters,first,0x00010008,x");
    CHILD_CHECK(install(NULL, true, &error));
    CHILD_CHECK(holds(PARAMETERS, "keep", HOST_REG_DWORD, &old, 4)); /* NOCLOBBER */
    CHILD_CHECK(holds(PARAMETERS, "new", HOST_REG_DWORD, &old, 4));
    CHILD_CHECK(!host_registry_delete(PARAMETERS, "gone"));                     /* DELVAL */
    CHILD_CHECK(holds(PARAMETERS, "over", HOST_REG_DWORD, (uint32_t[]){1}, 4)); /* OVERWRITEONLY */
    CHILD_CHECK(!host_registry_delete(PARAMETERS, "absent"));
    CHILD_CHECK(exists(PARAMETERS "\\Empty"));                                   /* KEYONLY */
    CHILD_CHECK(HOLDS(PARAMETERS, "list", HOST_REG_MULTI_SZ, u"a\0bc\0b\0d\0")); /* APPEND */
    CHILD_CHECK(HOLDS(PARAMETERS, "first", HOST_REG_MULTI_SZ, u"x\0"));
    tear_down();
}

static void test_flags(void)
{
    CHILD_PASSES(flags, NULL);
}

/* --- what is remembered --- */

static void recalled(void *unused)
{
    struct host_error error;
    struct host_device device;

    (void)unused;
    set_up();
    CHILD_CHECK(install(NULL, true, &error));
    CHILD_CHECK(host_halt(stderr) == 0);
    boot();
    CHILD_CHECK(strcmp(host_service(), "test") == 0 && host_devices(NULL, 0) == 0);
    CHILD_CHECK(install(NULL, false, &error)); /* The device node comes later. */
    CHILD_CHECK(!install(NULL, false, &error));
    CHILD_CHECK(strstr(error.message, "is installed already") != NULL);
    CHILD_CHECK(host_halt(stderr) == 0);
    boot();
    CHILD_CHECK(host_devices(&device, 1) == 1 && strcmp(device.service, "test") == 0);
    CHILD_CHECK(host_uninstall(false, &error));
    CHILD_CHECK(!exists(NODE) && !exists(SOFTWARE) && exists(SERVICE));
    CHILD_CHECK(host_halt(stderr) == 0);
    boot();
    CHILD_CHECK(host_devices(NULL, 0) == 0 && host_uninstall(true, &error));
    CHILD_CHECK(!exists(SERVICE) && host_service() == NULL);
    CHILD_CHECK(!host_uninstall(true, &error));
    tear_down();
}

static void test_recalled(void)
{
    CHILD_PASSES(recalled, NULL);
}

/** A package that cannot be installed as a whole leaves nothing behind. */
static void refused(void *unused)
{
    struct host_error error;
    char line[4400], *at = line;

    (void)unused;
    set_up();
    CHILD_CHECK(!install("root\\nothing", false, &error));
    CHILD_CHECK(strstr(error.message, "9004") != NULL && !exists(SERVICE));
    at += sprintf(at, "HKR,\"Parameters\\");
    memset(at, 'x', 300); /* No key of the registry has a name of more than 255 characters. */
    strcpy(at + 300, "\",a,0x00010001,1");
    write_inf(line);
    CHILD_CHECK(!install(NULL, false, &error));
    CHILD_CHECK(strstr(error.message, "the registry does not take") != NULL);
    CHILD_CHECK(!exists(SERVICE) && !exists(NODE) && !exists(SOFTWARE) && host_service() == NULL);
    tear_down();
}

static void test_refused(void)
{
    CHILD_PASSES(refused, NULL);
}

CU_ErrorCode register_package_suite(void);
CU_ErrorCode register_package_suite(void)
{
    static CU_TestInfo tests[] = {
        {"what installing writes", test_written},
        {"the flags of AddReg", test_flags},
        {"what a machine remembers", test_recalled},
        {"a package that is refused", test_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"05 install: packages", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
