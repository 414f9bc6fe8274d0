/*
 * The loader for Windows images: fresh globals, protections, INIT, imports, names and stacks; and
 * what is said about a file that is damaged, for another machine, or wants what the host lacks.
 * Without mingw-w64 there is no such file: then the cases say that they were skipped.
 */
#include "support/child.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "image/image.h"
#include "image/pe.h"
#include "nt/io.h"
#include "nt/nt.h"

/** A fixture's path, or NULL after saying that there is none. */
static const char *fixture(const char *name)
{
    static char path[512];
    const char *directory = getenv("VMINI_SYS_FIXTURES");

    snprintf(path, sizeof path, "%s/%s.sys", directory == NULL ? "build/mingw/fixtures" : directory,
             name);
    if (access(path, R_OK) == 0) {
        return path;
    }
    printf("\n    skipped: mingw-w64 is not installed; make deps-windows installs it ");
    return NULL;
}

/* --- a driver's life --- */

static void boot(void)
{
    struct sched_options options = {.kind = SCHED_SEEDED, .seed = 1};

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
}

/** Loads the plain fixture and calls its DriverEntry. \param how last character of its service's
 *  name. */
static struct image *load_plain(DRIVER_OBJECT *driver, char how)
{
    WCHAR text[] = {'s', (WCHAR)how};
    UNICODE_STRING service = {sizeof text, sizeof text, text};
    struct host_error error;
    struct image *image;

    memset(driver, 0, sizeof *driver);
    if (!image_load(fixture("sys_plain"), &image, &error)) {
        fputs(error.message, stderr);
    }
    CHILD_CHECK(image != NULL);
    CHILD_CHECK(strcmp(image->format, "sys") == 0);
    CHILD_CHECK(image->entry(driver, &service) == STATUS_SUCCESS);
    return image;
}

static void fresh_globals(void *unused)
{
    DRIVER_OBJECT one, two;
    struct image *first, *second;

    UNREFERENCED_PARAMETER(unused);
    boot();
    first = load_plain(&one, '-');
    CHILD_CHECK(one.Flags == 1);
    CHILD_CHECK(first->entry(&one, NULL) == STATUS_SUCCESS && one.Flags == 2);
    second = load_plain(&two, '-');
    CHILD_CHECK(two.Flags == 1 && one.DriverUnload != two.DriverUnload);
    image_unload(first);
    two.DriverUnload(&two);
    CHILD_CHECK(two.Flags == 101);
    image_unload(second);
    for (unsigned i = 0; i < 100; i++) { /* More often than ranges are remembered. */
        first = load_plain(&one, '-');
        CHILD_CHECK(one.Flags == 1);
        image_unload(first);
    }
}

static void test_fresh_globals(void)
{
    if (fixture("sys_plain") != NULL) {
        CHILD_PASSES(fresh_globals, NULL);
    }
}

static void names(void *unused)
{
    DRIVER_OBJECT driver;
    struct image *image;
    char name[100];
    bool unloaded;
    const char *code;

    UNREFERENCED_PARAMETER(unused);
    boot();
    image = load_plain(&driver, '-');
    code = (const char *)driver.DriverUnload;
    CHILD_CHECK(code >= (const char *)image->base &&
                code < (const char *)image->base + image->size);
    CHILD_CHECK(image_symbol(code + 1, name, sizeof name) == name &&
                strcmp(name, "PlainUnload") == 0);
    CHILD_CHECK(strcmp(image_symbol((void *)image->entry, name, sizeof name), "DriverEntry") == 0);
    CHILD_CHECK(image_symbol(image->base, name, sizeof name) == NULL);
    CHILD_CHECK(strcmp(image_contains(code, &unloaded), fixture("sys_plain")) == 0 && !unloaded);
    verifier_function_name(code, name, sizeof name);
    CHILD_CHECK(strcmp(name, "PlainUnload (sys_plain.sys)") == 0);
    image_unload(image);
    CHILD_CHECK(image_contains(code, &unloaded) != NULL && unloaded);
    verifier_function_name(code, name, sizeof name);
    CHILD_CHECK(strcmp(name, "PlainUnload (sys_plain.sys, unloaded)") == 0);
}

static void test_names(void)
{
    if (fixture("sys_plain") != NULL) {
        CHILD_PASSES(names, NULL);
    }
}

/** The access that the process has to an address, "r-xp" say. */
static void access_to(const void *address, char *out)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], flags[5];
    uint64_t low, high;

    strcpy(out, "none");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &low, &high, flags) == 3 &&
            (uint64_t)address >= low && (uint64_t)address < high) {
            strcpy(out, flags);
        }
    }
    fclose(maps);
}

static void protections(void *unused)
{
    DRIVER_OBJECT driver;
    struct image *image;
    char flags[5], *base;
    size_t size;

    UNREFERENCED_PARAMETER(unused);
    boot();
    image = load_plain(&driver, '-');
    access_to(image->base, flags);
    CHILD_CHECK(strcmp(flags, "r--p") == 0);
    access_to((void *)driver.DriverUnload, flags);
    CHILD_CHECK(strcmp(flags, "r-xp") == 0);
    access_to((void *)image->entry, flags);
    CHILD_CHECK(strcmp(flags, "r-xp") == 0);
    for (size_t at = 0; at < image->size; at += PE_PAGE) {
        access_to((char *)image->base + at, flags);
        CHILD_CHECK(flags[1] != 'w' || flags[2] != 'x');
    }
    image_discard_init(image);
    access_to((void *)image->entry, flags);
    CHILD_CHECK(strcmp(flags, "---p") == 0);
    access_to((void *)driver.DriverUnload, flags);
    CHILD_CHECK(strcmp(flags, "r-xp") == 0);
    base = image->base;
    size = image->size;
    image_unload(image);
    for (size_t at = 0; at < size; at += PE_PAGE) {
        access_to(base + at, flags);
        CHILD_CHECK(strcmp(flags, "---p") == 0);
    }
}

static void test_protections(void)
{
    if (fixture("sys_plain") != NULL) {
        CHILD_PASSES(protections, NULL);
    }
}

static void late_call(void *unused)
{
    DRIVER_OBJECT driver;

    UNREFERENCED_PARAMETER(unused);
    boot();
    image_unload(load_plain(&driver, '-'));
    driver.DriverUnload(&driver);
}

static void late_entry(void *unused)
{
    DRIVER_OBJECT driver;
    struct image *image;

    UNREFERENCED_PARAMETER(unused);
    boot();
    image = load_plain(&driver, '-');
    image_discard_init(image);
    image->entry(&driver, NULL);
}

static void test_closed_code(void)
{
    struct verifier_report report;

    if (fixture("sys_plain") != NULL) {
        report = CHILD_BREAKS(RULE_UNLOADED_CODE, late_call, NULL);
        CU_ASSERT_EQUAL(report.parameter[1], 8);
        CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "PlainUnload"));
        report = CHILD_BREAKS(RULE_BAD_ADDRESS_SYSTEM, late_entry, NULL);
        CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "DriverEntry (sys_plain.sys)"));
    }
}

/* --- stacks --- */

static void __attribute__((noinline)) host_calls_driver(PDRIVER_OBJECT driver)
{
    driver->DriverUnload(driver);
    CHILD_CHECK(driver->Flags == 0);
}

static void stop_in_driver(void *how)
{
    DRIVER_OBJECT driver;
    struct host_error error;

    boot();
    CHILD_CHECK(nt_io_boot(NULL, NULL, &error));
    load_plain(&driver, *(const char *)how);
    host_calls_driver(&driver);
}

/** The stack names these functions, one below the other, and nothing between them. */
static void stack_shows(const char *how, const char *const *lines, size_t count)
{
    struct child_result result = child_run(stop_in_driver, (void *)(uintptr_t)how, CHILD_SECONDS);
    const char *at = strstr(result.text, lines[0]);

    CU_ASSERT_TRUE(result.reported);
    for (size_t i = 0; i < count; i++) {
        if (at == NULL || strncmp(at, lines[i], strlen(lines[i])) != 0) {
            printf("\nexpected \"%s\" here:\n%s\nin\n%s\n", lines[i], at == NULL ? "" : at,
                   result.text);
            CU_FAIL("the stack of a .sys");
            return;
        }
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
}

#define DRIVER_FRAME(name) "  > " name " (sys_plain.sys)\n"

static void test_stack_of_call(void)
{
    static const char *const lines[] = {
        "    KeBugCheckEx\n",       DRIVER_FRAME("PlainInner"),  DRIVER_FRAME("PlainMiddle"),
        DRIVER_FRAME("PlainOuter"), DRIVER_FRAME("PlainUnload"), "    host_calls_driver\n",
        "    stop_in_driver\n",
    };

    if (fixture("sys_plain") != NULL) {
        stack_shows("k", lines, RTL_NUMBER_OF(lines));
    }
}

static void test_stack_of_fault(void)
{
    static const char *const lines[] = {
        DRIVER_FRAME("PlainInner"),  DRIVER_FRAME("PlainMiddle"), DRIVER_FRAME("PlainOuter"),
        DRIVER_FRAME("PlainUnload"), "    host_calls_driver\n",   "    stop_in_driver\n",
    };

    if (fixture("sys_plain") != NULL) {
        stack_shows("f", lines, RTL_NUMBER_OF(lines));
    }
}

static void test_stack_of_callback(void)
{
    static const char *const lines[] = {
        "    KeBugCheckEx\n",       DRIVER_FRAME("PlainInner"),     DRIVER_FRAME("PlainMiddle"),
        DRIVER_FRAME("PlainOuter"), DRIVER_FRAME("PlainCsqInsert"), "    IoCsqInsertIrpEx\n",
        DRIVER_FRAME("PlainQueue"), DRIVER_FRAME("PlainUnload"),    "    host_calls_driver\n",
        "    stop_in_driver\n",
    };

    if (fixture("sys_plain") != NULL) {
        stack_shows("c", lines, RTL_NUMBER_OF(lines));
    }
}

/* --- a second miniport --- */

static void ramdisk(void *unused)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 3}, .verifier = true};
    struct host_request *request;
    struct host_error error;
    struct host_unit unit;
    uint8_t data[512];

    UNREFERENCED_PARAMETER(unused);
    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install_bare("ramdisk", fixture("ramdisk"), true, &error));
    CHILD_CHECK(host_start(&error));
    host_scan();
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.claimed);
    CHILD_CHECK(unit.block_size == 512 && unit.block_count == 512);
    request = host_request_create();
    memset(data, 0x5A, sizeof data);
    memcpy(request->cdb, (const uint8_t[10]){0x2A, 0, 0, 0, 0, 7, 0, 0, 1}, 10);
    request->cdb_length = 10;
    request->direction = HOST_DATA_OUT;
    request->data = data;
    request->data_length = sizeof data;
    CHILD_CHECK(host_execute(request) == 1 /* SRB_STATUS_SUCCESS */);
    memset(data, 0, sizeof data);
    request->cdb[0] = 0x28;
    request->direction = HOST_DATA_IN;
    CHILD_CHECK(host_execute(request) == 1 && request->transferred == sizeof data);
    CHILD_CHECK(data[0] == 0x5A && data[511] == 0x5A);
    host_request_free(request);
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void test_ramdisk(void)
{
    if (fixture("ramdisk") != NULL) {
        CHILD_PASSES(ramdisk, NULL);
    }
}

/* --- files that are no driver --- */

/** A fixture's bytes, to be changed. */
struct bytes {
    unsigned char *data;
    size_t size, signature; /**< Where "PE\0\0" is. */
    struct pe pe;           /**< As it was before. */
};

static uint32_t word(const struct bytes *bytes, size_t at)
{
    uint32_t value;

    memcpy(&value, bytes->data + at, sizeof value);
    return value;
}

static struct bytes read_fixture(const char *name)
{
    struct bytes bytes = {.data = calloc(1, 1 << 20)};
    FILE *file = fopen(fixture(name), "r");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    bytes.size = fread(bytes.data, 1, 1 << 20, file);
    fclose(file);
    CU_ASSERT_TRUE_FATAL(pe_read(name, bytes.data, bytes.size, &bytes.pe, NULL));
    bytes.signature = word(&bytes, 60);
    return bytes;
}

/** Puts in a right checksum, so that the change itself is what the loader sees. */
static void seal(struct bytes *bytes)
{
    struct pe pe = bytes->pe;
    uint32_t sum;

    pe.file.size = bytes->size;
    sum = pe_checksum(&pe);
    memcpy(bytes->data + bytes->signature + 24 + 64, &sum, sizeof sum);
}

/** Makes a file of them, in memory. \return its path. */
static const char *write_scratch(const struct bytes *bytes)
{
    static char path[64];
    static int file = -1;

    if (file < 0) {
        file = memfd_create("changed.sys", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (ftruncate(file, 0) != 0 ||
        pwrite(file, bytes->data, bytes->size, 0) != (ssize_t)bytes->size) {
        CU_FAIL_FATAL("cannot write a test file");
    }
    return path;
}

/** The changed file is refused, with these words. Ends the life of `bytes`. */
static void refused(struct bytes *bytes, const char *what)
{
    struct host_error error = {.message = ""};
    struct image *image = (struct image *)&error;
    const char *path = write_scratch(bytes);

    CU_ASSERT_FALSE(image_load(path, &image, &error));
    CU_ASSERT_PTR_NULL(image);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, path));
    if (strstr(error.message, what) == NULL) {
        printf("\n\"%s\" does not say \"%s\"\n", error.message, what);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, what));
    CU_ASSERT_TRUE(strlen(error.remedy) > 10);
    free(bytes->data);
}

/** The fixture with `length` bytes at `offset` from its signature changed. */
static void refused_with(size_t offset, uint64_t value, size_t length, const char *what)
{
    struct bytes bytes = read_fixture("sys_plain");

    memcpy(bytes.data + bytes.signature + offset, &value, length);
    seal(&bytes);
    refused(&bytes, what);
}

#define OPTIONAL(offset)        (24 + (offset))
#define SECTION(number, offset) (24 + 240 + 40 * (number) + (offset))

static void test_headers(void)
{
    if (fixture("sys_plain") == NULL) {
        return;
    }
    refused_with(0, 'N' | 'E' << 8, 4, "DOS or 16-bit");
    refused_with(4, 0x14C, 2, "built for 32-bit x86");
    refused_with(4, 0xAA64, 2, "built for ARM64");
    refused_with(4, 0x1C4, 2, "built for 32-bit ARM");
    refused_with(4, 0x5064, 2, "an unknown processor");
    refused_with(20, 96, 2, "optional header");
    refused_with(22, 0x0001 | 0x0002, 2, "no relocations");
    refused_with(OPTIONAL(0), 0x10B, 2, "32-bit image");
    refused_with(OPTIONAL(16), 0, 4, "no entry point inside of its code");
    refused_with(OPTIONAL(32), 512, 4, "page boundaries");
    refused_with(OPTIONAL(56), 0x7FFFF000, 4, "bytes of memory");
    refused_with(OPTIONAL(60), 0x40, 4, "contradict");
    refused_with(OPTIONAL(68), 3, 2, "no driver but a program");
    refused_with(OPTIONAL(112 + 8 * PE_IMPORTS), 0xFFFFF000, 4, "outside of the image");
    refused_with(SECTION(0, 8), 0xFFFFFFFF, 4, "lies outside of the image");
    refused_with(SECTION(1, 12), 0x1000, 4, "over another one");
    refused_with(SECTION(0, 20), 0x00FFFFFF, 4, "ends beyond the file");
    refused_with(12, 0x00FFFFFF, 4, "symbol table");
}

static void test_checksum(void)
{
    struct bytes bytes;

    if (fixture("sys_plain") != NULL) {
        bytes = read_fixture("sys_plain");
        bytes.data[bytes.pe.headers_size] ^= 1;
        refused(&bytes, "checksum");
    }
}

/** Where the fixture's file has a text. */
static unsigned char *find_text(const struct bytes *bytes, const char *text)
{
    unsigned char *at = memmem(bytes->data, bytes->size, text, strlen(text) + 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    return at;
}

/** A name in the import table becomes another one of the same length. */
static void refused_import(const char *name, const char *other, const char *what)
{
    struct bytes bytes = read_fixture("sys_plain");

    strcpy((char *)find_text(&bytes, name), other);
    seal(&bytes);
    refused(&bytes, what);
}

static void test_imports(void)
{
    struct bytes bytes;
    uint32_t names;

    if (fixture("sys_plain") == NULL) {
        return;
    }
    refused_import("KeBugCheckEx", "KeBugCheckXx",
                   "imports KeBugCheckXx from ntoskrnl.exe, which this host does not have");
    refused_import("ntoskrnl.exe", "ntoskrnl.dll", "from ntoskrnl.dll");
    refused_import("memcpy", "strlen",
                   "imports strlen"); /* The C library's, of another convention. */
    refused_import("ntoskrnl.exe", "storport.sys", "from storport.sys");
    bytes = read_fixture("sys_plain");
    memcpy(&names, pe_at(&bytes.pe, bytes.pe.directory[PE_IMPORTS].rva, 4), 4);
    memcpy((void *)(uintptr_t)pe_at(&bytes.pe, names, 8), "\x11\0\0\0\0\0\0\x80", 8);
    seal(&bytes);
    refused(&bytes, "its number 17 from ntoskrnl.exe");
    bytes = read_fixture("sys_plain");
    memcpy((void *)(uintptr_t)pe_at(&bytes.pe, names, 8), "\0\0\0\x7f\0\0\0\0", 8);
    seal(&bytes);
    refused(&bytes, "import table that leads outside");
}

/** The first relocation block changed. \param offset in the block. */
static void refused_relocation(size_t offset, uint32_t value, size_t length, const char *what)
{
    struct bytes bytes = read_fixture("sys_plain");
    const void *block = pe_at(&bytes.pe, bytes.pe.directory[PE_RELOCATIONS].rva, 12);

    CU_ASSERT_PTR_NOT_NULL_FATAL(block);
    memcpy((char *)(uintptr_t)block + offset, &value, length);
    seal(&bytes);
    refused(&bytes, what);
}

static void test_relocations(void)
{
    if (fixture("sys_plain") != NULL) {
        refused_relocation(0, 0x00FFF000, 4, "outside of the image");
        refused_relocation(0, 0xFFFFF000, 4, "outside of the image");
        refused_relocation(4, 7, 4, "impossible length");
        refused_relocation(4, 0x10000, 4, "impossible length");
        refused_relocation(8, 0x3000, 2, "kind (0x3)");
    }
}

/** Every image that is cut short is refused, wherever the cut is. */
static void truncated(void *unused)
{
    struct bytes bytes = read_fixture("sys_plain");
    struct host_error error;
    struct image *image;
    size_t size = bytes.size;

    UNREFERENCED_PARAMETER(unused);
    for (bytes.size = 0; bytes.size < size; bytes.size += bytes.size < 2048 ? 1 : 64) {
        CHILD_CHECK(!image_load(write_scratch(&bytes), &image, &error) && image == NULL);
        if (bytes.size > bytes.signature + 100) {
            struct bytes sealed = {malloc(bytes.size), bytes.size, bytes.signature, bytes.pe};

            memcpy(sealed.data, bytes.data, bytes.size);
            sealed.pe.file.data = sealed.data;
            seal(&sealed);
            CHILD_CHECK(!image_load(write_scratch(&sealed), &image, &error) ||
                        sealed.size >= bytes.pe.symbols + bytes.pe.symbol_count * 18);
            CHILD_CHECK(image == NULL || sealed.size >= bytes.pe.symbols);
            if (image != NULL) {
                image_unload(image);
            }
            free(sealed.data);
        }
    }
    free(bytes.data);
}

/** Any byte may be wrong: the image loads or is refused, and its names and functions can be asked
 *  for. */
static void mutated(void *unused)
{
    struct bytes bytes = read_fixture("sys_plain");
    uint64_t state = 1;
    const unsigned runs = child_seeds(10000);
    unsigned loaded = 0;
    char name[64];

    UNREFERENCED_PARAMETER(unused);
    for (unsigned run = 0; run < runs; run++) {
        struct bytes changed = bytes;
        struct host_error error;
        struct image *image;

        changed.data = malloc(bytes.size);
        memcpy(changed.data, bytes.data, bytes.size);
        changed.pe.file.data = changed.data;
        for (unsigned i = 0; i < 1 + run % 3; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            /* Half of the changes hit the headers, the others anything. */
            changed.data[(state >> 33) % (run % 2 == 0 ? bytes.pe.headers_size : bytes.size)] =
                (unsigned char)(state >> 25);
        }
        if (word(&changed, 60) == bytes.signature) {
            seal(&changed);
        }
        if (image_load(write_scratch(&changed), &image, &error)) {
            loaded++;
            for (size_t at = 0; at < image->size; at += 509) {
                image_symbol((char *)image->base + at, name, sizeof name);
            }
            image_discard_init(image);
            image_unload(image);
        }
        free(changed.data);
    }
    CHILD_CHECK(loaded > runs / 40 && loaded < runs - runs / 40);
    free(bytes.data);
}

static void test_truncated(void)
{
    if (fixture("sys_plain") != NULL) {
        CHILD_PASSES(truncated, NULL);
    }
}

static void test_mutated(void)
{
    if (fixture("sys_plain") != NULL) {
        CHILD_PASSES(mutated, NULL);
    }
}

CU_ErrorCode register_sys_image_suite(void);
CU_ErrorCode register_sys_image_suite(void)
{
    static CU_TestInfo tests[] = {
        {"every load has fresh globals, and its imports work", test_fresh_globals},
        {"addresses have names, after the unload, too", test_names},
        {"pages are protected as the sections say", test_protections},
        {"code that runs after INIT is gone, or after the unload", test_closed_code},
        {"a bugcheck's stack shows the driver's functions", test_stack_of_call},
        {"a fault's stack, too", test_stack_of_fault},
        {"and the stack of a callback", test_stack_of_callback},
        {"a second miniport", test_ramdisk},
        {"headers that are no driver's for this host", test_headers},
        {"a file that was changed", test_checksum},
        {"imports that there are not", test_imports},
        {"relocations that lead astray", test_relocations},
        {"a file that is cut short, anywhere", test_truncated},
        {"any byte of a file is wrong", test_mutated},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: sys image", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
