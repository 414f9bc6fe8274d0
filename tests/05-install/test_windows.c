/*
 * The package that `make windows` lays out, as it would be copied to a Windows machine: nothing is
 * missing, nothing is stale, and the management program is what its headers must say.
 */
#include <CUnit/CUnit.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inf_fixture.h"
#include "install.h"

/** The folder of VMINI_SYS. */
static const char *folder(void)
{
    static char path[4096];
    const char *sys = getenv("VMINI_SYS");

    snprintf(path, sizeof(path), "%s", sys != NULL ? sys : "build/windows/vmini.sys");
    *strrchr(path, '/') = '\0';
    return path;
}

/** A file of the package; NULL after saying that there is none, because mingw-w64 is missing. */
static char *read_package(const char *name, size_t *length)
{
    char path[5000];
    size_t unused;

    snprintf(path, sizeof(path), "%s/%s", folder(), name);
    if (access(path, R_OK) != 0) {
        printf("\n    skipped: mingw-w64 is not installed; make deps-windows installs it ");
        return NULL;
    }
    return inf_fixture_read(path, length != NULL ? length : &unused);
}

/** What stands in the tree, with the line ends of Windows, is what stands in the package. */
static void same_text(const char *name, const char *source)
{
    size_t length, source_length, at = 0;
    char *text = read_package(name, &length), *original;

    if (text == NULL) {
        return;
    }
    original = inf_fixture_read(source, &source_length);
    for (size_t i = 0; i < source_length; i++) {
        if (original[i] == '\n') {
            CU_ASSERT_FATAL(at < length && text[at++] == '\r');
        }
        CU_ASSERT_FATAL(at < length && text[at++] == original[i]);
    }
    CU_ASSERT_EQUAL(at, length);
    free(original);
    free(text);
}

static void the_texts_are_the_trees(void)
{
    same_text("vmini.inf", VMINI_INF);
    same_text("README.txt", "mk/windows/README.txt");
}

/** The INF finds its file, and has nothing to be complained about but the catalog that is made on
 *  Windows. */
static void the_inf_installs_it(void)
{
    char inf[5000], file[5000];
    struct host_inf_check check = {.inf = inf, .test_signing = true};
    unsigned warnings;
    FILE *out = fopen("/dev/null", "w");
    char *text = read_package("vmini.sys", NULL);

    if (text != NULL) {
        snprintf(inf, sizeof(inf), "%s/vmini.inf", folder());
        CU_ASSERT_EQUAL(host_inf_check(&check, out, &warnings), 0);
        CU_ASSERT_EQUAL(warnings, 1);
        CU_ASSERT_TRUE_FATAL(host_package_file(inf, file, sizeof(file)));
        CU_ASSERT_STRING_EQUAL(strrchr(file, '/'), "/vmini.sys");
    }
    free(text);
    fclose(out);
}

static void nothing_else_is_in_it(void)
{
    static const char *const files[] = {"README.txt", "vmini.inf", "vmini.sys", "vminictl.exe"};
    DIR *directory = opendir(folder());
    unsigned found = 0;

    if (directory == NULL) {
        printf("\n    skipped: mingw-w64 is not installed; make deps-windows installs it ");
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        bool known = entry->d_name[0] == '.';

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            known |= strcmp(entry->d_name, files[i]) == 0;
        }
        CU_ASSERT_TRUE(known);
        found += entry->d_name[0] != '.';
    }
    closedir(directory);
    CU_ASSERT_EQUAL(found, 4);
}

/** It says that nobody has run it on Windows, and how one would. */
static void it_says_how(void)
{
    static const char *const wanted[] = {
        "NOBODY HAS RUN THIS ON WINDOWS",
        "bcdedit /set testsigning on",
        "New-SelfSignedCertificate",
        "inf2cat /driver:.",
        "signtool sign",
        "pnputil /add-driver vmini.inf /install",
        "devgen /add /bus ROOT /hardwareid root\\vmini",
        "devcon install vmini.inf root\\vmini",
        "vminictl connect",
        "Parameters\\Devices",
        "pnputil /remove-device",
        "pnputil /delete-driver",
    };
    char *text = read_package("README.txt", NULL);

    for (size_t i = 0; text != NULL && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted[i]));
    }
    free(text);
}

static unsigned u16(const char *at)
{
    return (unsigned char)at[0] | (unsigned)(unsigned char)at[1] << 8;
}

static void the_program_is_a_console_program(void)
{
    static const char *const libraries[] = {"KERNEL32.dll", "msvcrt.dll", "ntdll.dll",
                                            "SETUPAPI.dll", "SHELL32.dll"};
    size_t length;
    char *exe = read_package("vminictl.exe", &length), folder_name[4096];
    const char *header;

    if (exe == NULL) {
        return;
    }
    header = exe + u16(exe + 60);
    CU_ASSERT_EQUAL(memcmp(exe, "MZ", 2), 0);
    CU_ASSERT_EQUAL(memcmp(header, "PE\0\0", 4), 0);
    CU_ASSERT_EQUAL(u16(header + 4), 0x8664);               /* x64 */
    CU_ASSERT_EQUAL(u16(header + 8) | u16(header + 10), 0); /* No date. */
    CU_ASSERT_EQUAL(u16(header + 24), 0x20B);               /* PE32+ */
    CU_ASSERT_EQUAL(u16(header + 24 + 68), 3);              /* Subsystem: console */
    CU_ASSERT_EQUAL(u16(header + 24 + 70) & 0x160, 0x160);  /* ASLR, NX, high entropy */
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        CU_ASSERT_PTR_NOT_NULL(memmem(exe, length, libraries[i], strlen(libraries[i])));
    }
    for (const char *at = exe; (at = memmem(at, length - (size_t)(at - exe), ".dll", 5)) != NULL;
         at += 4) { /* It imports from no other. */
        bool known = false;

        for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
            size_t name = strlen(libraries[i]);

            known |=
                (size_t)(at - exe) + 4 >= name && memcmp(at + 4 - name, libraries[i], name) == 0;
        }
        CU_ASSERT_TRUE(known);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(folder_name, sizeof(folder_name)));
    CU_ASSERT_PTR_NULL(memmem(exe, length, folder_name, strlen(folder_name)));
    free(exe);
}

CU_ErrorCode register_windows_suite(void);
CU_ErrorCode register_windows_suite(void)
{
    static CU_TestInfo tests[] = {
        {"INF and text are the tree's", the_texts_are_the_trees},
        {"the INF is clean, and its file is there", the_inf_installs_it},
        {"nothing else is in it", nothing_else_is_in_it},
        {"it says how it is installed, and that nobody has", it_says_how},
        {"vminictl.exe is a console program of Windows' own libraries",
         the_program_is_a_console_program},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"05 install: the package for Windows", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
