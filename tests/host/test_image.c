/*
 * The loader: fresh globals for every load, names of a driver's functions, what happens to code
 * that runs on after the unload, and what is said about a file that is no driver.
 */

#include "child.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "image/image.h"
#include "nt/nt.h"

static char scratch[64];

static const char *fixture(const char *name)
{
    static char path[512];
    const char *directory = getenv("VMINI_FIXTURES");

    snprintf(path, sizeof path, "%s/%s.so", directory == NULL ? "build/tests/fixtures" : directory,
             name);
    return path;
}

static void boot(void)
{
    struct sched_options options = {.kind = SCHED_SEEDED, .seed = 1};

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
}

/* --- a driver's life --- */

static struct image *load_plain(DRIVER_OBJECT *driver)
{
    struct host_error error;
    struct image *image;

    memset(driver, 0, sizeof *driver);
    if (!image_load(fixture("image_plain"), &image, &error)) {
        fputs(error.message, stderr);
    }
    CHILD_CHECK(image != NULL);
    CHILD_CHECK(strcmp(image->format, "so") == 0);
    CHILD_CHECK(image->entry(driver, NULL) == STATUS_SUCCESS);
    return image;
}

static void fresh_globals(void *unused)
{
    DRIVER_OBJECT one, two;
    struct image *first, *second;

    UNREFERENCED_PARAMETER(unused);
    boot();
    first = load_plain(&one);
    CHILD_CHECK(first->entry(&one, NULL) == STATUS_SUCCESS && one.Flags == 2);
    second = load_plain(&two); /* At the same time ... */
    CHILD_CHECK(two.Flags == 1 && one.DriverUnload != two.DriverUnload);
    image_unload(first);
    image_unload(second);
    for (unsigned i = 0; i < 100;
         i++) { /* ... and one after the other, more often than ranges are remembered. */
        first = load_plain(&one);
        CHILD_CHECK(one.Flags == 1);
        image_unload(first);
    }
}

static void test_fresh_globals(void)
{
    CHILD_PASSES(fresh_globals, NULL);
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
    image = load_plain(&driver);
    code = (const char *)driver.DriverUnload;
    CHILD_CHECK(code >= (const char *)image->base &&
                code < (const char *)image->base + image->size);
    CHILD_CHECK(image_symbol(code + 1, name, sizeof name) == name &&
                strcmp(name, "PlainStatic") == 0);
    CHILD_CHECK(strcmp(image_symbol((void *)image->entry, name, sizeof name), "DriverEntry") == 0);
    CHILD_CHECK(image_symbol(name, name, sizeof name) == NULL);
    CHILD_CHECK(strcmp(image_contains(code, &unloaded), fixture("image_plain")) == 0 && !unloaded);
    CHILD_CHECK(image_contains((void *)names, &unloaded) == NULL && !unloaded);
    verifier_function_name(code, name, sizeof name);
    CHILD_CHECK(strcmp(name, "PlainStatic (image_plain.so)") == 0);
    verifier_function_name((void *)names, name, sizeof name);
    CHILD_CHECK(strcmp(name, "names") == 0);
    image_unload(image);
    CHILD_CHECK(image_contains(code, &unloaded) != NULL && unloaded);
    CHILD_CHECK(strcmp(image_symbol(code, name, sizeof name), "PlainStatic") == 0);
}

static void test_names(void)
{
    CHILD_PASSES(names, NULL);
}

static void late_call(void *unload)
{
    DRIVER_OBJECT driver;
    struct image *image;

    boot();
    image = load_plain(&driver);
    if (unload != NULL) {
        image_unload(image);
    }
    driver.DriverUnload(&driver);
    CHILD_CHECK(driver.Flags == 101);
}

static void late_read(void *unused)
{
    DRIVER_OBJECT driver;
    struct image *image;

    UNREFERENCED_PARAMETER(unused);
    boot();
    image = load_plain(&driver);
    image_unload(image);
    CHILD_CHECK(*(volatile char *)driver.DriverUnload != 0);
}

static void test_unloaded_code(void)
{
    struct verifier_report report = CHILD_BREAKS(RULE_UNLOADED_CODE, late_call, "unload");

    CU_ASSERT_EQUAL(report.parameter[1], 8);
    CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "PlainStatic"));
    CU_ASSERT_EQUAL(CHILD_BREAKS(RULE_UNLOADED_CODE, late_read, NULL).parameter[1], 0);
    CHILD_PASSES(late_call, NULL);
}

/* --- files that are no driver --- */

static const char *in_scratch(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        CU_FAIL_FATAL("cannot write a test file");
    }
}

/** Loading `path` fails; the message names it and says `what`, and there is a remedy. */
static void refused(const char *path, const char *what)
{
    struct host_error error = {.message = ""};
    struct image *image = (struct image *)&error;

    CU_ASSERT_FALSE(image_load(path, &image, &error));
    CU_ASSERT_PTR_NULL(image);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, path));
    if (strstr(error.message, what) == NULL) {
        printf("\n\"%s\" does not say \"%s\"\n", error.message, what);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, what));
    CU_ASSERT_TRUE(strlen(error.remedy) > 10);
}

static void test_no_file(void)
{
    refused(in_scratch("missing.so"), "No such file");
    refused(scratch, "a directory");
    refused("/dev/null", "a device");
}

static void test_other_contents(void)
{
    static const struct {
        const char *name, *contents, *what;
    } cases[] = {
        {"empty.so", "", "empty"},
        {"script.so", "#!/bin/sh\n", "a script"},
        {"text.so", "a driver, honestly", "not an ELF shared object"},
        {"archive.so", "!<arch>\nfoo", "a static library"},
        {"driver.sys", "MZ\x90", "cut short"},
        {"short.so",
         "\x7f"
         "ELF\2\1\1",
         "cut short"},
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        const char *path = in_scratch(cases[i].name);

        write_file(path, cases[i].contents, strlen(cases[i].contents));
        refused(path, cases[i].what);
    }
}

/** A good driver with its header changed. */
static void refused_with(size_t offset, unsigned char value, size_t keep, const char *what)
{
    FILE *file = fopen(fixture("image_plain"), "r");
    unsigned char *data = malloc(1 << 20);
    size_t size = file == NULL ? 0 : fread(data, 1, 1 << 20, file);
    const char *path = in_scratch("changed.so");

    CU_ASSERT_FATAL(size > sizeof(Elf64_Ehdr));
    fclose(file);
    data[offset] = value;
    write_file(path, data, keep == 0 ? size : keep);
    free(data);
    refused(path, what);
}

static void test_other_machines(void)
{
    refused_with(offsetof(Elf64_Ehdr, e_machine), EM_S390, 0, "another machine");
    refused_with(EI_CLASS, ELFCLASS32, 0, "32-bit");
    refused_with(offsetof(Elf64_Ehdr, e_type), ET_REL, 0, "an object file");
    refused_with(offsetof(Elf64_Ehdr, e_type), ET_EXEC, 0, "another kind of ELF file");
    refused_with(0, 0x7f, 4096, "cut short");
    refused_with(offsetof(Elf64_Ehdr, e_phoff), 0xff, 0, "cut short");
    refused_with(offsetof(Elf64_Ehdr, e_version), 9, 0, "cannot be loaded");
}

static void test_not_a_driver(void)
{
    refused(fixture("image_import"),
            "imports IoThereIsNoSuchRoutine, which this host does not have");
    refused(fixture("image_noentry"), "no DriverEntry");
}

static int make_scratch(void)
{
    snprintf(scratch, sizeof scratch, "/tmp/vmini-image-XXXXXX");
    return mkdtemp(scratch) == NULL;
}

static int remove_scratch(void)
{
    static const char *const files[] = {"empty.so",   "script.so", "text.so",   "archive.so",
                                        "driver.sys", "short.so",  "changed.so"};

    for (size_t i = 0; i < RTL_NUMBER_OF(files); i++) {
        unlink(in_scratch(files[i]));
    }
    return rmdir(scratch);
}

CU_ErrorCode register_image_suite(void);
CU_ErrorCode register_image_suite(void)
{
    static CU_TestInfo tests[] = {
        {"every load has fresh globals", test_fresh_globals},
        {"addresses have names, after the unload, too", test_names},
        {"code that runs after the unload", test_unloaded_code},
        {"there is no such file", test_no_file},
        {"the file is something else", test_other_contents},
        {"the file is for another machine, or damaged", test_other_machines},
        {"the shared object is no driver for this host", test_not_a_driver},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: image", make_scratch, remove_scratch, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
