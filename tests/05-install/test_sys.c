/*
 * build/windows/vmini.sys as Windows will see it: what its headers promise. Each case reads the
 * file, nothing is run here; how the host's loader runs it is in tests/host/test_sys_image.c and
 * tests/system.
 */
#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "image/pe.h"

/** The image under test; `data` NULL: mingw-w64 is not installed, so that there is none. */
static unsigned char *data;
static size_t size;
static struct pe pe;
static const unsigned char *header;

static const char *path(void)
{
    const char *named = getenv("VMINI_SYS");

    return named != NULL ? named : "build/windows/vmini.sys";
}

static int open_image(void)
{
    FILE *file = fopen(path(), "r");

    if (file == NULL) {
        return 0;
    }
    data = calloc(1, 1 << 22);
    size = fread(data, 1, 1 << 22, file);
    fclose(file);
    header = data + (data[60] | data[61] << 8);
    return 0;
}

static int close_image(void)
{
    free(data);
    return 0;
}

/** Is there an image, and are its headers whole? Says so if not. */
static bool have_image(void)
{
    if (data == NULL) {
        printf("\n    skipped: mingw-w64 is not installed; make deps-windows installs it ");
        return false;
    }
    CU_ASSERT_TRUE_FATAL(pe_read(path(), data, size, &pe, NULL));
    return true;
}

static unsigned u16(const void *at)
{
    const unsigned char *bytes = at;

    return (unsigned)(bytes[0] | bytes[1] << 8);
}

static uint32_t u32(const void *at)
{
    return u16(at) | (uint32_t)u16((const char *)at + 2) << 16;
}

static void a_native_image_for_x64(void)
{
    if (have_image()) {
        CU_ASSERT_EQUAL(u16(header + 4), 0x8664);      /* Machine */
        CU_ASSERT_EQUAL(u16(header + 24), 0x20B);      /* PE32+ */
        CU_ASSERT_EQUAL(u16(header + 24 + 68), 1);     /* Subsystem: native */
        CU_ASSERT_EQUAL(u16(header + 24 + 40), 10);    /* For Windows 10 ... */
        CU_ASSERT_EQUAL(u16(header + 24 + 48), 10);    /* ... whose kernel it runs in. */
        CU_ASSERT_EQUAL(u16(header + 22) & 0x2003, 2); /* An image with relocations, and no DLL. */
        CU_ASSERT_EQUAL(u32(header + 24 + 36), 512);   /* Alignment in the file, */
        CU_ASSERT_EQUAL(u32(header + 24 + 32), 4096);  /* and in memory. */
    }
}

static void it_runs_at_any_address(void)
{
    if (have_image()) {
        CU_ASSERT_EQUAL(u16(header + 24 + 70) & 0x60, 0x60); /* DYNAMIC_BASE, HIGH_ENTROPY_VA */
        CU_ASSERT_TRUE(pe.directory[PE_RELOCATIONS].size > 8);
    }
}

/** Index of a section, or -1. */
static int section_named(const char *name)
{
    for (unsigned i = 0; i < pe.section_count; i++) {
        struct pe_section section = pe_section(&pe, i);

        if (strncmp(section.name, name, sizeof section.name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void data_cannot_be_executed(void)
{
    static const struct {
        const char *name;
        uint32_t access; /**< PE_SECTION_*. */
        bool required;
    } known[] = {
        {".text", PE_SECTION_READ | PE_SECTION_EXECUTE, true},
        {"INIT", PE_SECTION_READ | PE_SECTION_EXECUTE | PE_SECTION_DISCARDABLE, true},
        {".data", PE_SECTION_READ | PE_SECTION_WRITE, false},
        {".rdata", PE_SECTION_READ, true},
        {".pdata", PE_SECTION_READ, true},
        {".xdata", PE_SECTION_READ, true},
        {".bss", PE_SECTION_READ | PE_SECTION_WRITE, false},
        {".idata", PE_SECTION_READ | PE_SECTION_WRITE, true},
        {".rsrc", PE_SECTION_READ, true},
        {".reloc", PE_SECTION_READ | PE_SECTION_DISCARDABLE, true},
    };
    unsigned found = 0;

    if (!have_image()) {
        return;
    }
    CU_ASSERT_EQUAL(u16(header + 24 + 70) & 0x100, 0x100); /* NX_COMPAT */
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int index = section_named(known[i].name);

        CU_ASSERT_TRUE(index >= 0 || !known[i].required);
        if (index >= 0) {
            CU_ASSERT_EQUAL(pe_section(&pe, (unsigned)index).flags & 0xE2000000, known[i].access);
            found++;
        }
    }
    CU_ASSERT_EQUAL(found, pe.section_count); /* There is no other. */
}

static void what_driverentry_needs_is_discarded(void)
{
    static const char *const expected[] = {"DriverEntry", "VminiConfigRead"};
    struct pe_section init;
    struct pe_function function;
    unsigned seen = 0;
    char name[64];

    if (!have_image()) {
        return;
    }
    CU_ASSERT_TRUE_FATAL(section_named("INIT") >= 0);
    init = pe_section(&pe, (unsigned)section_named("INIT"));
    CU_ASSERT_TRUE(pe.entry >= init.rva && pe.entry < init.rva + init.virtual_size);
    for (uint32_t rva = init.rva; rva < init.rva + init.virtual_size; rva++) {
        if (pe_function_at(&pe, rva, &function) && function.begin == rva) {
            CU_ASSERT_TRUE_FATAL(pe_function_name(&pe, rva, name, sizeof name));
            CU_ASSERT_TRUE(strcmp(name, "DriverEntry") == 0 ||
                           strcmp(name, "VminiScsiIndexCommands") == 0 ||
                           strncmp(name, "VminiConfig", 11) == 0);
            for (unsigned i = 0; i < 2; i++) {
                seen |= strcmp(name, expected[i]) == 0 ? 1u << i : 0;
            }
        }
    }
    CU_ASSERT_EQUAL(seen, 3);
}

/** Is a name in a list of names, one a line? Indented, with " DATA" after a variable's, as .def
 *  files have them. */
static bool listed(const char *file, const char *name)
{
    FILE *list = fopen(file, "r");
    char line[128], first[128];
    bool found = false;

    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    while (!found && fgets(line, sizeof line, list) != NULL) {
        found = sscanf(line, " %127s", first) == 1 && strcmp(first, name) == 0;
    }
    fclose(list);
    return found;
}

/** Checks the imports from one module. \return how many. */
static unsigned check_imports(const unsigned char *names, const char *list)
{
    unsigned count = 0;

    for (; u32(names) != 0 || u32(names + 4) != 0; names += 8, count++) {
        const char *name;

        CU_ASSERT_EQUAL_FATAL(u32(names + 4), 0); /* By name, not by number. */
        name = (const char *)pe_at(&pe, u32(names), 3) + 2;
        if (!listed(list, name) || !listed("src/driver/imports.txt", name)) {
            printf("\n    %s is not in %s and src/driver/imports.txt", name, list);
            CU_FAIL("an import that is not listed");
        }
    }
    return count;
}

static void it_imports_what_1709_exports(void)
{
    const unsigned char *row;
    unsigned kernel = 0, port = 0, modules = 0;

    if (!have_image()) {
        return;
    }
    row = pe_at(&pe, pe.directory[PE_IMPORTS].rva, 60);
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    for (; u32(row + 12) != 0; row += 20, modules++) {
        const char *module = pe_at(&pe, u32(row + 12), 13);
        const unsigned char *names = pe_at(&pe, u32(row), 8);

        CU_ASSERT_TRUE_FATAL(module != NULL && names != NULL);
        if (strcmp(module, "ntoskrnl.exe") == 0) {
            kernel += check_imports(names, "mk/windows/ntoskrnl.def");
        } else if (strcmp(module, "storport.sys") == 0) {
            port += check_imports(names, "mk/windows/storport.def");
        }
    }
    CU_ASSERT_EQUAL(modules, 2);
    CU_ASSERT_TRUE(kernel > 20);
    CU_ASSERT_EQUAL(port, 3); /* All others are inlines that end in one of these. */
}

static void its_checksum_is_right(void)
{
    if (have_image()) {
        CU_ASSERT_EQUAL(u32(header + 24 + 64), pe_checksum(&pe));
        data[pe.headers_size + 99] ^= 0x10;
        CU_ASSERT_NOT_EQUAL(u32(header + 24 + 64), pe_checksum(&pe));
        data[pe.headers_size + 99] ^= 0x10;
    }
}

/** DriverVer of the INF, the part behind the comma: "1.0.0.0". */
static void inf_version(unsigned version[4])
{
    FILE *inf = fopen("src/driver/05-install/vmini.inf", "r");
    char line[256];
    unsigned found = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(inf);
    while (fgets(line, sizeof line, inf) != NULL) {
        if (strncasecmp(line, "DriverVer", 9) == 0 && strchr(line, ',') != NULL) {
            found = (unsigned)sscanf(strchr(line, ',') + 1, " %u.%u.%u.%u", &version[0],
                                     &version[1], &version[2], &version[3]);
        }
    }
    fclose(inf);
    CU_ASSERT_EQUAL_FATAL(found, 4);
}

/** First entry of a resource directory. \param kind the entry's number must be this; 0 = any.
 *  \return its RVA or, for another directory, its place. */
static uint32_t first_resource(uint32_t place, unsigned kind)
{
    uint32_t base = pe.directory[PE_RESOURCES].rva;
    const unsigned char *directory = pe_at(&pe, base + place, 24);

    CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
    CU_ASSERT_EQUAL_FATAL(u16(directory + 12) + u16(directory + 14),
                          1); /* Named and numbered ones. */
    CU_ASSERT_TRUE_FATAL(kind == 0 || u32(directory + 16) == kind);
    return u32(directory + 20) & 0x7FFFFFFF;
}

static void its_version_is_the_packages(void)
{
    const unsigned char *place, *version;
    unsigned inf[4];

    if (!have_image()) {
        return;
    }
    inf_version(inf);
    /* RT_VERSION (16), its number, its language; then where it is and how long. */
    place = pe_at(&pe,
                  pe.directory[PE_RESOURCES].rva +
                      first_resource(first_resource(first_resource(0, 16), 1), 0),
                  8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    version = pe_at(&pe, u32(place), u32(place + 4));
    CU_ASSERT_TRUE_FATAL(version != NULL && u32(place + 4) > 92);
    CU_ASSERT_EQUAL(memcmp(version + 6, u"VS_VERSION_INFO", 32), 0);
    version += 40; /* VS_FIXEDFILEINFO */
    CU_ASSERT_EQUAL(u32(version), 0xFEEF04BD);
    CU_ASSERT_EQUAL(u32(version + 8), inf[0] << 16 | inf[1]);
    CU_ASSERT_EQUAL(u32(version + 12), inf[2] << 16 | inf[3]);
    CU_ASSERT_EQUAL(u32(version + 36), 3); /* VFT_DRV */
    CU_ASSERT_EQUAL(u32(version + 40), 7); /* VFT2_DRV_SYSTEM */
    CU_ASSERT_PTR_NOT_NULL(memmem(data, size, u"vmini.sys", 20));
}

static void nothing_of_the_builder_is_in_it(void)
{
    char folder[4096];

    if (have_image()) {
        CU_ASSERT_EQUAL(u32(header + 8), 0); /* No date. */
        CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(folder, sizeof folder));
        CU_ASSERT_PTR_NULL(memmem(data, size, folder, strlen(folder)));
        CU_ASSERT_PTR_NULL(memmem(data, size, "/tmp/", 5));
        CU_ASSERT_EQUAL(section_named(".debug_info"), -1);
    }
}

CU_ErrorCode register_sys_suite(void);
CU_ErrorCode register_sys_suite(void)
{
    static CU_TestInfo tests[] = {
        {"a native image for x64 and Windows 10", a_native_image_for_x64},
        {"it runs at any address", it_runs_at_any_address},
        {"sections: no data are executed, no code is written", data_cannot_be_executed},
        {"what only DriverEntry needs is discarded", what_driverentry_needs_is_discarded},
        {"it imports what 1709 exports, and no C library", it_imports_what_1709_exports},
        {"its checksum is right", its_checksum_is_right},
        {"its version is the package's", its_version_is_the_packages},
        {"nothing of the builder is in it", nothing_of_the_builder_is_in_it},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"install: vmini.sys", open_image, close_image, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
