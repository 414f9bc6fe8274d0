/**
 * \file
 * Installing from the command line: nthost inf, devices, remove, reg and why, on a registry that is
 * kept in a file; and the question of the NTDEV thread, with its cure.
 */
#include "tools/shell.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGISTRY   "--registry", "machine.reg"
#define SERVICE    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini"
#define PARAMETERS SERVICE "\\Parameters"
#define NODE       "ROOT\\SCSIADAPTER\\0000"

/** A package as `make windows` lays it out: the INF, and the driver's file beside it. */
static void make_package(void)
{
    size_t length;
    char *driver = read_file(shell.driver, &length);

    unlink("machine.reg");
    mkdir("package", 0755);
    unlink("package/vmini.cat");
    copy_of_inf("package/vmini.inf", NULL, NULL);
    write_file("package/vmini.sys", driver, length);
    free(driver);
}

static void install(void)
{
    make_package();
    EXPECT(tool("inf", "install", "package/vmini.inf", "--test-signing", REGISTRY, NULL), 0,
           "service vmini", "device node " NODE ": root\\vmini");
}

/* --- inf check --- */

/** The first `from` of the INF is `to`: it is refused, with this finding. */
static void check_finds(const char *from, const char *to, const char *finding)
{
    struct result result;

    copy_of_inf("broken.inf", from, to);
    result = tool("inf", "check", "broken.inf", "--test-signing", NULL);
    CU_ASSERT(ended(&result, 1));
    CU_ASSERT(contains(&result, "broken.inf:"));
    CU_ASSERT(contains(&result, finding));
    free(result.text);
}

static void test_check(void)
{
    copy_of_inf("vmini.inf", NULL, NULL);
    EXPECT(tool("inf", "check", "vmini.inf", "--test-signing", NULL), 0,
           "vmini.inf:", "warning 9001: Catalog \"vmini.cat\"",
           "vmini.inf: 0 error(s), 1 warning(s)");
    EXPECT(tool("inf", "check", "vmini.inf", NULL), 1, "error 9001", "Inf2Cat", "1 error(s)");
    EXPECT(tool("inf", "check", "vmini.inf", "--test-signing", "--build", "10240", NULL), 1,
           "error 9005: The INF has no models for amd64 Windows 10.0 build 10240");
    check_finds("= SCSIAdapter", "= DiskDrive", "error 1281");
    check_finds("{4D36E97B", "{4D36E967", "error 1280");
    check_finds("0x00000002, Vmini_Service", "0x00000000, Vmini_Service", "error 1296");
    check_finds("[Vmini_Service]", "[Vmini_Servise]", "error 1203: Section [Vmini_Service]");
    check_finds("AddService = ", ";", "error 1296");
    check_finds("%Adapter% = Vmini", "%Adaptor% = Vmini", "error 1235");
    EXPECT(tool("inf", "check", "nowhere.inf", NULL), 1, "nowhere.inf: error 1000");
    EXPECT(tool("inf", "check", NULL), 2, "inf check takes one file", "inf check FILE");
    EXPECT(tool("inf", "check", "a.inf", "b.inf", NULL), 2, "inf check takes one file");
    EXPECT(tool("inf", "check", "vmini.inf", "--build", "new", NULL), 2, "is no number");
}

/* --- inf install --- */

static void test_install(void)
{
    make_package();
    EXPECT(tool("inf", "install", "package/vmini.inf", NULL), 2, "which machine?", "--registry");
    EXPECT(tool("inf", "install", "package/vmini.inf", REGISTRY, NULL), 1, "error 9001",
           "--test-signing");
    write_file("package/vmini.cat", "signed", 6);
    EXPECT(tool("inf", "install", "package/vmini.inf", REGISTRY, NULL), 0, "device node " NODE);
    EXPECT(tool("inf", "install", "package/vmini.inf", REGISTRY, NULL), 1,
           "device node " NODE " is installed already, for service \"vmini\"", "second adapter");
    EXPECT(tool("devices", REGISTRY, NULL), 0, NODE "  root\\vmini  service vmini  not started");
    EXPECT(tool("reg", "query", SERVICE, REGISTRY, NULL), 0, "ImagePath", "package\\vmini.sys",
           PARAMETERS);
}

static void test_install_refuses(void)
{
    make_package();
    EXPECT(tool("inf", "install", "package/vmini.inf", "root\\other", "--test-signing", REGISTRY,
                NULL),
           1, "error 9004: No model has the hardware ID \"root\\other\"",
           "this INF serves: root\\vmini");
    copy_of_inf("package/guid.inf", "{4D36E97B", "{4D36E967");
    EXPECT(tool("inf", "install", "package/guid.inf", "--test-signing", REGISTRY, NULL), 1,
           "package/guid.inf:", "error 1280");
    copy_of_inf("package/class.inf", "= SCSIAdapter", "= DiskDrive");
    EXPECT(tool("inf", "install", "package/class.inf", "--test-signing", REGISTRY, NULL), 1,
           "error 1281");
    copy_of_inf("package/disk.inf", "= SCSIAdapter\nClassGuid   = {4D36E97B",
                "= DiskDrive\nClassGuid   = {4D36E967");
    EXPECT(tool("inf", "install", "package/disk.inf", "--test-signing", REGISTRY, NULL), 1,
           "package/disk.inf:23: error 9008: Class DiskDrive is not that of a storage adapter");
    copy_of_inf("package/service.inf", "[Vmini_Service]", "[Vmini_Servise]");
    EXPECT(tool("inf", "install", "package/service.inf", "--test-signing", REGISTRY, NULL), 1,
           "error 1203", "Vmini_Service");
    unlink("package/vmini.sys");
    EXPECT(tool("inf", "install", "package/vmini.inf", "--test-signing", REGISTRY, NULL), 1,
           "the package is not whole: package/vmini.sys is not there");
    CU_ASSERT(access("machine.reg", F_OK) != 0); /* Nothing was done, and nothing is left. */
    EXPECT(tool("reg", "query", SERVICE, REGISTRY, NULL), 1, "there is no registry machine.reg");
    EXPECT(tool("inf", "install", "package/vmini.inf", "--fast", REGISTRY, NULL), 2,
           "unknown or incomplete option --fast");
}

/** Another driver, after the first one. */
static void test_second_service(void)
{
    install();
    EXPECT(tool("remove", REGISTRY, NULL), 0, "the service is still there");
    copy_of_inf("package/other.inf", "AddService = vmini,", "AddService = other,");
    EXPECT(tool("inf", "install", "package/other.inf", "--test-signing", REGISTRY, NULL), 1,
           "another service, \"vmini\", is installed already");
    EXPECT(tool("remove", REGISTRY, NULL), 0, "device node and service");
    EXPECT(tool("inf", "install", "package/other.inf", "--test-signing", REGISTRY, NULL), 0,
           "service other");
    EXPECT(tool("remove", "--service", REGISTRY, NULL), 0, "device node and service");
    EXPECT(tool("remove", REGISTRY, NULL), 1, "no device node and no service is installed");
}

/* --- "after my DriverEntry is called nothing more happens" --- */

static void test_thread(void)
{
    char *trace;

    make_package();
    EXPECT(tool("inf", "install", "package/vmini.inf", "--test-signing", "--no-device", REGISTRY,
                NULL),
           0, "service vmini", "no device node");
    EXPECT(tool("why", REGISTRY, NULL), 1, "DriverEntry of \"vmini\" ran and succeeded",
           "there is no device node, so Storport never calls HwFindAdapter",
           "nthost inf install FILE.inf", "devcon install FILE.inf root\\vmini");
    EXPECT(tool("run", REGISTRY, "--trace", "trace.txt", NULL), 1,
           "\"vmini\" has no device node, so Storport never calls HwFindAdapter");
    trace = read_file("trace.txt", NULL);
    CU_ASSERT(strstr(trace, "callback DriverEntry") != NULL);
    CU_ASSERT(strstr(trace, "callback DriverUnload") != NULL);
    CU_ASSERT(strstr(trace, "callback HwFindAdapter") == NULL);
    free(trace);
    EXPECT(tool("inf", "install", "package/vmini.inf", "--test-signing", REGISTRY, NULL), 0,
           "device node " NODE);
    EXPECT(tool("why", REGISTRY, NULL), 0, "The adapter works");
}

/** The same at the prompt, in one machine. */
static void test_thread_at_the_prompt(void)
{
    static const char commands[] = "why\n! start\n"
                                   "inf install package/vmini.inf --test-signing --no-device\n"
                                   "! start\nwhy\n"
                                   "inf install package/vmini.inf --test-signing\nstart\nwhy\n"
                                   "! inf install package/vmini.inf --test-signing\n"
                                   "! remove --device --now\n"
                                   "remove --device --service\nwhy\n";

    make_package();
    write_file("script.txt", commands, sizeof(commands) - 1);
    EXPECT(tool("run", "--no-install", "--script", "script.txt", NULL), 0,
           "No driver package is installed", "as expected: no service is installed",
           "as expected: DriverEntry ran", "so Storport never calls HwFindAdapter, and the driver",
           "The adapter works", "is installed already", "uninstalled: device node and service");
    EXPECT(tool("run", "--no-install", "--set", "NumberOfBuses=1", NULL), 2, "do not go together");
}

/* --- a registry that is kept --- */

static void test_kept(void)
{
    install();
    EXPECT(tool("reg", "add", PARAMETERS, "NumberOfBuses", "REG_DWORD", "3", REGISTRY, NULL), 0,
           "");
    write_file("script.txt", "ping\ndevices\n", 13);
    EXPECT(tool("run", REGISTRY, "--script", "script.txt", NULL), 0, "3 bus(es)",
           NODE "  root\\vmini  service vmini  started");
    EXPECT(tool("run", REGISTRY, "--set", "MaximumTargets=4", "--script", "script.txt", NULL), 0,
           "3 bus(es) x 4 targets");
    EXPECT(tool("run", REGISTRY, "--script", "script.txt", NULL), 0, "3 bus(es) x 4 targets");
    EXPECT(tool("run", REGISTRY, "--inf", "package/vmini.inf", NULL), 1,
           "service \"vmini\" is installed already in machine.reg", "nthost remove");
    EXPECT(tool("run", REGISTRY, "--driver", shell.driver, NULL), 0, "");
    EXPECT(tool("reg", "query", SERVICE, "imagepath", REGISTRY, NULL), 0, "vmini.so");
    unlink("fresh.reg"); /* A first run installs, as one without a file does. */
    EXPECT(tool("run", "--registry", "fresh.reg", "--driver", shell.driver, "--script",
                "script.txt", NULL),
           0, "1 bus(es)");
    EXPECT(tool("devices", "--registry", "fresh.reg", NULL), 0, NODE);
    setenv("NTHOST_REGISTRY", "fresh.reg", 1);
    EXPECT(tool("devices", NULL), 0, NODE);
    unsetenv("NTHOST_REGISTRY");
}

/** The package as it stands is all that a machine needs: INF, and file beside it. */
static void test_run_a_package(void)
{
    static const char commands[] = "ping\nreg query " SERVICE " ImagePath\n";

    make_package();
    write_file("script.txt", commands, sizeof(commands) - 1);
    EXPECT(tool("run", "--inf", "package/vmini.inf", "--script", "script.txt", NULL), 0,
           "interface version 1", "package\\vmini.sys");
}

/** The package that `make windows` makes: the shipped .sys, installed and started. */
static void test_windows_package(void)
{
    static const char commands[] = "ping\ndevices\nreg query " SERVICE " ImagePath\n";
    const char *sys = getenv("VMINI_SYS");
    char inf[PATH_MAX + 64];

    if (sys == NULL) {
        printf("\n    skipped: mingw-w64 is not installed; make deps-windows installs it ");
        return;
    }
    snprintf(inf, sizeof(inf), "%.4000s/%.60s", shell.project, sys);
    strcpy(strrchr(inf, '/'), "/vmini.inf");
    unlink("machine.reg");
    EXPECT(tool("inf", "check", inf, "--test-signing", NULL), 0, "0 error(s), 1 warning(s)");
    EXPECT(tool("inf", "install", inf, "--test-signing", REGISTRY, NULL), 0, "device node " NODE);
    EXPECT(tool("why", REGISTRY, NULL), 0, "The adapter works");
    write_file("script.txt", commands, sizeof(commands) - 1);
    EXPECT(tool("run", REGISTRY, "--script", "script.txt", NULL), 0, "interface version 1",
           NODE "  root\\vmini  service vmini  started", "\\vmini.sys");
    EXPECT(tool("run", "--inf", inf, "--script", "script.txt", NULL), 0, "interface version 1",
           "\\vmini.sys");
}

/** Images that the registry names are there when the machine has booted. */
static void test_static_devices(void)
{
    char path[PATH_MAX + 16];

    install();
    make_image("disk.img", 1 << 20);
    snprintf(path, sizeof(path), "Z:%s\\disk.img", shell.directory);
    for (char *at = path; *at != '\0'; at++) {
        *at = *at == '/' ? '\\' : *at;
    }
    EXPECT(tool("reg", "add", PARAMETERS "\\Devices\\a", "Path", "REG_SZ", path, REGISTRY, NULL), 0,
           "");
    EXPECT(tool("reg", "add", PARAMETERS "\\Devices\\a", "Flags", "REG_DWORD", "2", REGISTRY, NULL),
           0, "");
    EXPECT(tool("reg", "add", PARAMETERS "\\Devices\\b", "Path", "REG_SZ", "Z:\\no\\such.img",
                REGISTRY, NULL),
           0, "");
    write_file("script.txt", "settle\nlist\nevents\n", 19);
    EXPECT(tool("run", REGISTRY, "--script", "script.txt", NULL), 0,
           "0:0:0  enumerated    1.0 MiB read-only", "connect failed 0:1:0 /no/such.img",
           "STATUS_OBJECT_PATH_NOT_FOUND");
}

static void test_registry_file(void)
{
    int file;

    install();
    file = open("machine.reg", O_RDWR | O_CLOEXEC);
    CU_ASSERT_FATAL(file >= 0 && flock(file, LOCK_EX) == 0);
    EXPECT(tool("devices", REGISTRY, NULL), 1,
           "registry file machine.reg: another machine is running from it");
    close(file);
    write_file("damaged.reg", "vmini registry 1\nx\n", 19);
    EXPECT(tool("devices", "--registry", "damaged.reg", NULL), 1, "damaged.reg: line 2",
           "what to do");
    EXPECT(tool("inf", "install", "package/vmini.inf", "--registry", "no/where.reg", NULL), 1,
           "no/where.reg", "what to do");
    EXPECT(tool("devices", "--registry", ".", NULL), 1, "registry file .:", "what to do");
}

/** A name that was mistyped: nothing is made. */
static void test_no_registry(void)
{
    static const char *const words[][4] = {
        {"why"}, {"devices"}, {"remove"}, {"reg", "query", "HKLM"}, {"reg", "delete", "HKLM"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *const *word = words[i];
        struct result result =
            word[1] == NULL ? tool(word[0], "--registry", "machin.reg", NULL)
                            : tool(word[0], word[1], word[2], "--registry", "machin.reg", NULL);

        CU_ASSERT(ended(&result, 1));
        CU_ASSERT(contains(&result, "there is no registry machin.reg"));
        CU_ASSERT(contains(&result, "nthost inf install --registry FILE makes one"));
        CU_ASSERT(access("machin.reg", F_OK) != 0);
        free(result.text);
    }
}

/** What a hand in the registry can do wrong. */
static void test_damaged_installation(void)
{
    install();
    EXPECT(tool("reg", "add", SERVICE, "ImagePath", "REG_SZ", "%13%\\vmini.sys", REGISTRY, NULL), 0,
           "");
    EXPECT(tool("why", REGISTRY, NULL), 1, "The adapter did not start",
           "ImagePath \"%13%\\vmini.sys\" is no file here");
    EXPECT(
        tool("reg", "add", SERVICE, "ImagePath", "REG_SZ", "\\??\\Z:\\etc\\passwd", REGISTRY, NULL),
        0, "");
    EXPECT(tool("why", REGISTRY, NULL), 1, "/etc/passwd is not an ELF shared object");
    EXPECT(tool("reg", "delete", SERVICE, "ImagePath", REGISTRY, NULL), 0, "");
    EXPECT(tool("why", REGISTRY, NULL), 1, "has no ImagePath in the registry");
    EXPECT(tool("reg", "add", SERVICE, "Start", "REG_DWORD", "4", REGISTRY, NULL), 0, "");
    EXPECT(tool("why", REGISTRY, NULL), 1, "service \"vmini\" is disabled: Start is 4");
    EXPECT(tool("devices", REGISTRY, NULL), 0, "not started:", "is disabled");
    EXPECT(tool("reg", "delete", SERVICE, REGISTRY, NULL), 0, "");
    EXPECT(tool("why", REGISTRY, NULL), 1,
           "device node " NODE " names service \"vmini\", which is not in the registry");
    EXPECT(tool("reg", "delete", "HKLM\\SYSTEM\\CurrentControlSet\\Enum\\" NODE, "Service",
                REGISTRY, NULL),
           0, "");
    EXPECT(tool("devices", REGISTRY, NULL), 0, "service (none)", "no driver is installed for it");
    EXPECT(tool("why", REGISTRY, NULL), 1, "no driver is installed for device node " NODE);
}

/* --- reg --- */

static void test_reg(void)
{
    static const char key[] = "HKLM\\SOFTWARE\\Test";

    install();
    EXPECT(tool("reg", "add", key, "text", "REG_SZ", "a b", REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "add", key, "", "REG_EXPAND_SZ", "%x%", REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "add", key, "list", "REG_MULTI_SZ", "one", "two", REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "add", key, "number", "REG_DWORD", "0x1f", REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "add", key, "bytes", "REG_BINARY", "00ff7a", REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "add", "HKLM\\SOFTWARE\\Test\\Below", "x", "REG_DWORD", "1", REGISTRY, NULL),
           0, "");
    EXPECT(tool("reg", "query", "HKEY_LOCAL_MACHINE\\software\\test", REGISTRY, NULL), 0,
           "text                  REG_SZ         a b", "(default)             REG_EXPAND_SZ  %x%",
           "list                  REG_MULTI_SZ   one\\0two",
           "number                REG_DWORD      0x1f",
           "bytes                 REG_BINARY     00FF7A",
           "HKEY_LOCAL_MACHINE\\software\\test\\Below");
    EXPECT(tool("reg", "query", key, "--all", REGISTRY, NULL), 0, "    x  ");
    EXPECT(tool("reg", "query", key, "nothing", REGISTRY, NULL), 1, "there is no nothing in key");
    EXPECT(tool("reg", "delete", key, "text", REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "query", key, "text", REGISTRY, NULL), 1, "there is no text");
    EXPECT(tool("reg", "delete", key, REGISTRY, NULL), 0, "");
    EXPECT(tool("reg", "delete", key, REGISTRY, NULL), 1, "there is no such thing");
    EXPECT(tool("reg", "add", key, "n", "REG_DWORD", "many", REGISTRY, NULL), 2, "is no number");
    EXPECT(tool("reg", "add", key, "n", "REG_QWORD", "1", REGISTRY, NULL), 2,
           "\"REG_QWORD\" is no type");
    EXPECT(tool("reg", "add", key, "n", "REG_SZ", "a", "b", REGISTRY, NULL), 2,
           "takes one piece of data");
    EXPECT(tool("reg", "add", "\\Software", "n", "REG_SZ", "a", REGISTRY, NULL), 2,
           "the registry does not take \\Software");
    EXPECT(tool("reg", "query", REGISTRY, NULL), 2, "reg query takes a key");
}

static void test_help(void)
{
    EXPECT(tool("help", "inf", NULL), 0, "nthost inf check", "--registry FILE");
    EXPECT(tool("why", "--help", NULL), 0, "nthost why");
    EXPECT(tool("why", "now", REGISTRY, NULL), 2, "why takes no arguments");
    EXPECT(tool("why", NULL), 2, "which machine?");
    /* What is wrong with the words is said before a registry is asked for. */
    EXPECT(tool("inf", NULL), 2, "usage: inf check FILE | install FILE");
    EXPECT(tool("inf", "burn", NULL), 2, "inf: there is no \"burn\"", "inf check FILE | install");
    EXPECT(tool("reg", "burn", NULL), 2, "reg: there is no \"burn\"", "reg query KEY");
    EXPECT(tool("reg", "quer", "HKLM", NULL), 2, "reg: there is no \"quer\"");
    EXPECT(tool("devices", "all", NULL), 2, "usage: devices");
}

CU_ErrorCode register_setup_suite(void);
CU_ErrorCode register_setup_suite(void)
{
    static CU_TestInfo tests[] = {
        {"inf check", test_check},
        {"inf install, and its registry", test_install},
        {"packages that are refused change nothing", test_install_refuses},
        {"remove, and another driver", test_second_service},
        {"nothing more happens: why, and the cure", test_thread},
        {"the same at the prompt", test_thread_at_the_prompt},
        {"the registry is kept between runs", test_kept},
        {"a package runs as it stands", test_run_a_package},
        {"the package for Windows, here", test_windows_package},
        {"images that the registry names", test_static_devices},
        {"a registry file that is no good", test_registry_file},
        {"a registry file that is not there", test_no_registry},
        {"an installation that was damaged", test_damaged_installation},
        {"reg", test_reg},
        {"help and usage", test_help},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"nthost: installing", shell_set_up, shell_tear_down, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
