/*
 * Parameters\Devices: which images the driver is to connect when it starts. The keys are written
 * into the host's registry, as an administrator or a script would.
 */
#include "support/child.h"

#include <stdlib.h>
#include <string.h>

#include "05-install/config.h"
#include "host.h"
#include "nt/io.h"

#define SERVICE "HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini"
#define DEVICES SERVICE "\\Parameters\\Devices"

static void set_up(const WCHAR *path)
{
    struct sched_options options = {.kind = SCHED_SEEDED, .seed = 1, .processors = 2};
    struct host_error error;
    UNICODE_STRING registry;

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
    CHILD_CHECK(nt_io_boot(NULL, NULL, &error));
    verifier_load_census();
    RtlInitUnicodeString(&registry, path);
    VminiConfigDevicesSetUp(&registry);
}

static void halt(void)
{
    CHILD_CHECK(verifier_census(stderr) == 0); /* Every key is closed. */
    nt_io_halt(NULL);
    sched_halt();
}

#define OUR_KEY u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\vmini"

/** The n-th image: this status, and if it is good these values. */
static void expect(ULONG index, NTSTATUS status, const WCHAR *path, ULONG flags, ULONG address)
{
    static VMINI_CONFIG_DEVICE device;
    size_t chars = 0;

    memset(&device, 0xEE, sizeof(device));
    CHILD_CHECK(VminiConfigDevice(index, &device) == status);
    if (!NT_SUCCESS(status)) {
        CHILD_CHECK(device.Path[0] == 0);
        return;
    }
    while (path[chars] != 0) {
        chars++;
    }
    CHILD_CHECK(memcmp(device.Path, path, (chars + 1) * sizeof(WCHAR)) == 0);
    CHILD_CHECK(device.Flags == flags);
    CHILD_CHECK(device.Address.Path == (UCHAR)(address >> 16) &&
                device.Address.Target == (UCHAR)(address >> 8) &&
                device.Address.Lun == (UCHAR)address && device.Address.Reserved == 0);
}

#define NOWHERE 0xFFFFFF

static void none(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    set_up(OUR_KEY);
    expect(0, STATUS_NO_MORE_ENTRIES, NULL, 0, 0); /* No service key. */
    nt_registry_create_key(SERVICE "\\Parameters");
    expect(0, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);
    nt_registry_create_key(DEVICES);
    expect(0, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);               /* An empty one. */
    nt_registry_set_string(DEVICES, "Path", "C:\\a.img", false); /* A value is no image. */
    expect(0, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);
    halt();
}

static void whole(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    set_up(OUR_KEY);
    nt_registry_set_string(DEVICES "\\one", "Path", "C:\\images\\a.img", false);
    nt_registry_set_string(DEVICES "\\two", "Path", "\\\\server\\share\\\xC3\xBC.iso", false);
    nt_registry_set_dword(DEVICES "\\two", "Flags", VMINI_CONNECT_CDROM);
    nt_registry_set_dword(DEVICES "\\two", "Address", 0x020A03);
    nt_registry_set_dword(DEVICES "\\two", "Colour", 7);
    expect(0, STATUS_SUCCESS, u"C:\\images\\a.img", 0, NOWHERE);
    expect(1, STATUS_SUCCESS, u"\\\\server\\share\\\u00FC.iso", VMINI_CONNECT_CDROM, 0x020A03);
    expect(2, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);
    expect(MAXULONG, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);
    halt();
}

/** One that is no good says why, and does not hide the next one. */
static void broken(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    set_up(OUR_KEY);
    nt_registry_create_key(DEVICES "\\0");
    nt_registry_set_dword(DEVICES "\\1", "Path", 7);
    nt_registry_set_string(DEVICES "\\2", "Path", "C:\\a.img\nC:\\b.img", true);
    nt_registry_set_string(DEVICES "\\3", "Path", "C:\\a.img", false);
    nt_registry_set_string(DEVICES "\\3", "Flags", "2", false);
    nt_registry_set_string(DEVICES "\\4", "Path", "C:\\a.img", false);
    nt_registry_set(DEVICES "\\4", "Address", REG_DWORD, "\1\2\3", 3);
    nt_registry_set_string(DEVICES "\\5", "Path", "C:\\b.img", false);
    expect(0, STATUS_OBJECT_NAME_NOT_FOUND, NULL, 0, 0);
    expect(1, STATUS_OBJECT_TYPE_MISMATCH, NULL, 0, 0);
    expect(2, STATUS_OBJECT_TYPE_MISMATCH, NULL, 0, 0);
    expect(5, STATUS_SUCCESS, u"C:\\b.img", 0, NOWHERE);
    for (ULONG index = 3; index < 5; index++) {
        static VMINI_CONFIG_DEVICE device;

        CHILD_CHECK(VminiConfigDevice(index, &device) == STATUS_OBJECT_TYPE_MISMATCH);
    }
    expect(6, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);
    halt();
}

/** A path of so many characters, with or without its NUL. */
static void set_path(size_t chars, bool terminated)
{
    WCHAR *path = calloc(chars + 1, sizeof(*path));

    for (size_t i = 0; i < chars; i++) {
        path[i] = u'x';
    }
    CHILD_CHECK(nt_registry_set(DEVICES "\\0", "Path", REG_SZ, path,
                                (ULONG)((chars + terminated) * sizeof(*path))));
    free(path);
}

static void lengths(void *unused)
{
    WCHAR longest[VMINI_PATH_LENGTH];

    UNREFERENCED_PARAMETER(unused);
    set_up(OUR_KEY);
    for (size_t i = 0; i < VMINI_PATH_LENGTH - 1; i++) {
        longest[i] = u'x';
    }
    longest[VMINI_PATH_LENGTH - 1] = 0;
    for (unsigned terminated = 0; terminated < 2; terminated++) {
        set_path(0, terminated);
        expect(0, STATUS_SUCCESS, u"", 0, NOWHERE);
        set_path(3, terminated);
        expect(0, STATUS_SUCCESS, u"xxx", 0, NOWHERE);
        set_path(VMINI_PATH_LENGTH - 1, terminated);
        expect(0, STATUS_SUCCESS, longest, 0, NOWHERE);
        for (size_t more = 0; more < 5; more++) {
            set_path(VMINI_PATH_LENGTH + more, terminated);
            expect(0, STATUS_NAME_TOO_LONG, NULL, 0, 0);
        }
        set_path(5000, terminated);
        expect(0, STATUS_NAME_TOO_LONG, NULL, 0, 0);
    }
    CHILD_CHECK(nt_registry_set(DEVICES "\\0", "Path", REG_SZ, "a\0b", 3)); /* Half a character. */
    expect(0, STATUS_SUCCESS, u"a", 0, NOWHERE);
    halt();
}

/** A service key so long that there can be none: nothing is read, and nothing overruns. */
static void long_key(void *unused)
{
    static WCHAR path[1000];

    UNREFERENCED_PARAMETER(unused);
    for (size_t i = 0; i < RTL_NUMBER_OF(path) - 1; i++) {
        path[i] = u'x';
    }
    set_up(path);
    expect(0, STATUS_NO_MORE_ENTRIES, NULL, 0, 0);
    halt();
}

static void test_none(void)
{
    CHILD_PASSES(none, NULL);
}

static void test_whole(void)
{
    CHILD_PASSES(whole, NULL);
}

static void test_broken(void)
{
    CHILD_PASSES(broken, NULL);
}

static void test_lengths(void)
{
    CHILD_PASSES(lengths, NULL);
}

static void test_long_key(void)
{
    CHILD_PASSES(long_key, NULL);
}

CU_ErrorCode register_devices_suite(void);
CU_ErrorCode register_devices_suite(void)
{
    static CU_TestInfo tests[] = {
        {"no key, no images", test_none},
        {"path, flags and address", test_whole},
        {"one that is no good does not hide the next", test_broken},
        {"paths of any length, with and without a NUL", test_lengths},
        {"a service key that is too long", test_long_key},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"05 install: Parameters\\Devices", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
