/*
 * The registry: keys and values by handle, the statuses by which a caller sizes its buffer,
 * deletion, and the file that keeps it, with damaged ones.
 */
#include "io_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define BASE "\\Registry\\Machine\\SOFTWARE\\Test"

static HANDLE make_key(HANDLE directory, const char *path, ULONG options, ULONG *disposition)
{
    UNICODE_STRING name = io_string(path);
    OBJECT_ATTRIBUTES attributes;
    HANDLE key = NULL;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, directory, NULL);
    CHILD_CHECK(ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, options, disposition) ==
                STATUS_SUCCESS);
    free(name.Buffer);
    return key;
}

static NTSTATUS open_key(const char *path, HANDLE *key)
{
    UNICODE_STRING name = io_string(path);
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS status = ZwOpenKey(key, KEY_READ, &attributes);
    free(name.Buffer);
    return status;
}

static void keys(void *unused)
{
    ULONG disposition, length;
    HANDLE key, child, same;
    struct {
        KEY_BASIC_INFORMATION basic;
        WCHAR more[20];
    } name;
    KEY_FULL_INFORMATION full;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, true);
    CHILD_CHECK(open_key(BASE, &key) == STATUS_OBJECT_NAME_NOT_FOUND && key == NULL);
    CHILD_CHECK(open_key("Machine", &key) == STATUS_OBJECT_PATH_SYNTAX_BAD);
    key = make_key(NULL, BASE, 0, &disposition);
    CHILD_CHECK(disposition == REG_CREATED_NEW_KEY);
    same = make_key(NULL, "\\REGISTRY\\machine\\software\\TEST", 0, &disposition);
    CHILD_CHECK(disposition == REG_OPENED_EXISTING_KEY);
    child = make_key(key, "Child", 0, &disposition);
    CHILD_CHECK(disposition == REG_CREATED_NEW_KEY);
    CHILD_CHECK(ZwEnumerateKey(same, 0, KeyBasicInformation, &name, sizeof(name), &length) ==
                STATUS_SUCCESS);
    CHILD_CHECK(name.basic.NameLength == 10 && memcmp(name.basic.Name, u"Child", 10) == 0);
    CHILD_CHECK(ZwEnumerateKey(same, 1, KeyBasicInformation, &name, sizeof(name), &length) ==
                STATUS_NO_MORE_ENTRIES);
    CHILD_CHECK(ZwEnumerateKey(same, 0, KeyBasicInformation, &name, 15, &length) ==
                    STATUS_BUFFER_TOO_SMALL &&
                length == 26);
    CHILD_CHECK(ZwEnumerateKey(same, 0, KeyBasicInformation, &name, 20, &length) ==
                STATUS_BUFFER_OVERFLOW);
    CHILD_CHECK(ZwQueryKey(key, KeyFullInformation, &full, sizeof(full), &length) ==
                STATUS_SUCCESS);
    CHILD_CHECK(full.SubKeys == 1 && full.Values == 0 && full.MaxNameLen == 10);
    CHILD_CHECK(ZwDeleteKey(key) == STATUS_CANNOT_DELETE); /* It has a child. */
    CHILD_CHECK(ZwDeleteKey(child) == STATUS_SUCCESS);
    CHILD_CHECK(ZwDeleteKey(child) == STATUS_KEY_DELETED);
    CHILD_CHECK(ZwQueryKey(child, KeyFullInformation, &full, sizeof(full), &length) ==
                STATUS_KEY_DELETED);
    ZwClose(child);
    CHILD_CHECK(ZwDeleteKey(key) == STATUS_SUCCESS);
    CHILD_CHECK(open_key(BASE, &child) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(key);
    ZwClose(same);
    io_halt();
}

static void test_keys(void)
{
    CHILD_PASSES(keys, NULL);
}

static void values(void *unused)
{
    UNICODE_STRING name = io_string("Start"), upper = io_string("START"), none = io_string("x");
    struct {
        KEY_VALUE_PARTIAL_INFORMATION partial;
        UCHAR more[20];
    } partial;
    struct {
        KEY_VALUE_FULL_INFORMATION full;
        UCHAR more[40];
    } full;
    static const unsigned char data[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    ULONG length;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, true);
    HANDLE key = make_key(NULL, BASE, 0, NULL);
    CHILD_CHECK(ZwSetValueKey(key, &name, 0, REG_BINARY, (PVOID)(uintptr_t)data, 10) ==
                STATUS_SUCCESS);
    CHILD_CHECK(ZwQueryValueKey(key, &none, KeyValuePartialInformation, &partial, sizeof(partial),
                                &length) == STATUS_OBJECT_NAME_NOT_FOUND);
    for (ULONG room = 0; room <= 30; room++) { /* Every buffer length. */
        NTSTATUS expected = room < 12   ? STATUS_BUFFER_TOO_SMALL
                            : room < 22 ? STATUS_BUFFER_OVERFLOW
                                        : STATUS_SUCCESS;
        memset(&partial, 0xEE, sizeof(partial));
        CHILD_CHECK(ZwQueryValueKey(key, &upper, KeyValuePartialInformation, &partial, room,
                                    &length) == expected);
        CHILD_CHECK(length == 22);
        if (room >= 12) {
            ULONG got = room < 22 ? room - 12 : 10;
            CHILD_CHECK(partial.partial.Type == REG_BINARY && partial.partial.DataLength == 10);
            CHILD_CHECK(memcmp(partial.partial.Data, data, got) == 0);
            CHILD_CHECK(got == 10 || ((UCHAR *)&partial)[12 + got] == 0xEE);
        }
    }
    CHILD_CHECK(ZwQueryValueKey(key, &name, KeyValueFullInformation, &full, sizeof(full),
                                &length) == STATUS_SUCCESS);
    CHILD_CHECK(full.full.NameLength == 10 && memcmp(full.full.Name, u"Start", 10) == 0);
    CHILD_CHECK(memcmp((char *)&full + full.full.DataOffset, data, 10) == 0);
    CHILD_CHECK(ZwSetValueKey(key, &upper, 0, REG_DWORD, &(ULONG){5}, 4) == STATUS_SUCCESS);
    CHILD_CHECK(ZwEnumerateValueKey(key, 0, KeyValuePartialInformation, &partial, sizeof(partial),
                                    &length) == STATUS_SUCCESS &&
                partial.partial.DataLength == 4);
    CHILD_CHECK(ZwEnumerateValueKey(key, 1, KeyValuePartialInformation, &partial, sizeof(partial),
                                    &length) == STATUS_NO_MORE_ENTRIES);
    CHILD_CHECK(ZwDeleteValueKey(key, &name) == STATUS_SUCCESS);
    CHILD_CHECK(ZwDeleteValueKey(key, &name) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(key);
    CHILD_CHECK(ZwDeleteValueKey((HANDLE)400, &name) == STATUS_INVALID_HANDLE);
    io_halt();
}

static void test_values(void)
{
    CHILD_PASSES(values, NULL);
}

static void by_path(void *unused)
{
    ULONG type, length;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, true);
    CHILD_CHECK(nt_registry_set_dword("HKLM\\SOFTWARE\\a\\b", "n", 7));
    CHILD_CHECK(nt_registry_key_exists("\\Registry\\Machine\\software\\A"));
    ULONG *number = nt_registry_get("HKLM\\SOFTWARE\\A\\B", "N", &type, &length);
    CHILD_CHECK(type == REG_DWORD && length == 4 && *number == 7);
    free(number);
    CHILD_CHECK(nt_registry_set_string("HKLM\\SOFTWARE\\a", "s", "\xC3\xA4", false));
    char *text = nt_registry_get_string("HKLM\\SOFTWARE\\a", "s");
    CHILD_CHECK(strcmp(text, "\xC3\xA4") == 0);
    free(text);
    CHILD_CHECK(nt_registry_set_string("HKLM\\SOFTWARE\\a", "m", "one\ntwo", true));
    WCHAR *multi = nt_registry_get("HKLM\\SOFTWARE\\a", "m", &type, &length);
    CHILD_CHECK(type == REG_MULTI_SZ && length == 18 && memcmp(multi, u"one\0two\0", 18) == 0);
    free(multi);
    CHILD_CHECK(nt_registry_get("HKLM\\SOFTWARE\\a", "none", &type, &length) == NULL);
    text = nt_registry_subkey("HKLM\\SOFTWARE\\a", 0);
    CHILD_CHECK(strcmp(text, "b") == 0 && nt_registry_subkey("HKLM\\SOFTWARE\\a", 1) == NULL);
    free(text);
    CHILD_CHECK(nt_registry_delete_tree("HKLM\\SOFTWARE\\a"));
    CHILD_CHECK(!nt_registry_key_exists("HKLM\\SOFTWARE\\a\\b"));
    CHILD_CHECK(!nt_registry_delete_tree("HKLM\\SOFTWARE\\a"));
    io_halt();
}

static void test_by_path(void)
{
    CHILD_PASSES(by_path, NULL);
}

/* --- the file --- */

static void boot_with(const char *file, bool expected, struct host_error *error)
{
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .seed = 1});
    CHILD_CHECK(nt_io_boot(NULL, file, error) == expected);
}

static void kept(void *unused)
{
    struct host_error error = {.message = ""};
    char file[600];
    ULONG type, length;

    UNREFERENCED_PARAMETER(unused);
    io_directory();
    snprintf(file, sizeof(file), "%s", io_path("registry"));
    boot_with(file, true, &error); /* No file yet. */
    nt_registry_set_dword("HKLM\\SOFTWARE\\k[1]=%", "a=\"b\"\xC3\xA4", 0x01020304);
    nt_registry_set_string("HKLM\\SOFTWARE\\k", "", "default \"value\"\r\n", false);
    nt_registry_set_string("HKLM\\SOFTWARE\\k", "m", "one\ntwo", true);
    nt_registry_set("HKLM\\SOFTWARE\\k", "odd", REG_SZ, "abc", 3); /* No proper string. */
    nt_registry_set("HKLM\\SOFTWARE\\k", "empty", REG_NONE, NULL, 0);
    HANDLE key = make_key(NULL, "\\Registry\\Machine\\SOFTWARE\\gone", REG_OPTION_VOLATILE, NULL);
    ZwClose(key);
    CHILD_CHECK(nt_io_halt(&error));
    sched_halt();

    boot_with(file, true, &error);
    ULONG *number = nt_registry_get("HKLM\\SOFTWARE\\k[1]=%", "a=\"b\"\xC3\xA4", &type, &length);
    CHILD_CHECK(number != NULL && *number == 0x01020304 && type == REG_DWORD);
    free(number);
    char *text = nt_registry_get_string("HKLM\\SOFTWARE\\k", "");
    CHILD_CHECK(text != NULL && strcmp(text, "default \"value\"\r\n") == 0);
    free(text);
    text = nt_registry_get("HKLM\\SOFTWARE\\k", "odd", &type, &length);
    CHILD_CHECK(text != NULL && type == REG_SZ && length == 3 && memcmp(text, "abc", 3) == 0);
    free(text);
    text = nt_registry_get("HKLM\\SOFTWARE\\k", "empty", &type, &length);
    CHILD_CHECK(text != NULL && type == REG_NONE && length == 0);
    free(text);
    WCHAR *multi = nt_registry_get("HKLM\\SOFTWARE\\k", "m", &type, &length);
    CHILD_CHECK(multi != NULL && memcmp(multi, u"one\0two\0", 18) == 0);
    free(multi);
    CHILD_CHECK(!nt_registry_key_exists("HKLM\\SOFTWARE\\gone")); /* It was volatile. */
    CHILD_CHECK(nt_io_halt(&error));
    sched_halt();
    CHILD_CHECK(access(io_path("registry.new"), F_OK) != 0);
    io_remove_directory();
}

static void test_file(void)
{
    CHILD_PASSES(kept, NULL);
}

static void damaged(void *text)
{
    struct host_error error = {.message = ""};
    char path[600];

    io_directory();
    snprintf(path, sizeof(path), "%s", io_path("registry"));
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    boot_with(path, false, &error);
    CHILD_CHECK(strstr(error.message, path) != NULL && strstr(error.message, "line ") != NULL);
    CHILD_CHECK(error.remedy[0] != '\0');
    io_remove_directory();
}

static void test_damaged_file(void)
{
    static const char *const texts[] = {
        "something else\n",
        "vmini registry 1\na=4:00\n",
        "vmini registry 1\n[\\x\n",
        "vmini registry 1\n[\\x]\nno value\n",
        "vmini registry 1\n[\\x]\na=4:0\n",
        "vmini registry 1\n[\\x]\na=4:zz\n",
        "vmini registry 1\n[\\x]\na=:00\n",
        "vmini registry 1\n[\\x]\na=1:\"open\n",
        "vmini registry 1\n[\\x]\na%=1:00\n",
        "vmini registry 1\n[\\\\x]\n",
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(texts); i++) {
        CHILD_PASSES(damaged, (void *)(uintptr_t)texts[i]);
    }
}

/** There is no such folder; and one that goes away while the machine runs. */
static void unwritable(void *unused)
{
    struct host_error error = {.message = ""};
    char file[600];

    UNREFERENCED_PARAMETER(unused);
    boot_with("/nonexistent/registry", false, &error);
    CHILD_CHECK(strstr(error.message, "/nonexistent/registry") != NULL && error.remedy[0] != '\0');
    sched_halt();
    io_directory();
    snprintf(file, sizeof(file), "%s", io_path("registry"));
    boot_with(file, true, &error);
    io_remove_directory();
    error.message[0] = '\0';
    CHILD_CHECK(!nt_io_halt(&error));
    CHILD_CHECK(strstr(error.message, file) != NULL);
}

/** One machine at a time; a file that a crash left empty is a first run's. */
static void locked(void *unused)
{
    struct host_error error = {.message = ""};
    char file[600];
    int other;

    UNREFERENCED_PARAMETER(unused);
    io_directory();
    snprintf(file, sizeof(file), "%s", io_path("registry"));
    boot_with(file, true, &error);
    other = open(file, O_RDWR);
    CHILD_CHECK(other >= 0 && flock(other, LOCK_EX | LOCK_NB) != 0);
    close(other);
    CHILD_CHECK(nt_io_halt(&error));
    sched_halt();
    other = open(file, O_RDWR);
    CHILD_CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
    boot_with(file, false, &error);
    CHILD_CHECK(strstr(error.message, "another machine is running") != NULL);
    sched_halt();
    CHILD_CHECK(ftruncate(other, 0) == 0);
    close(other);
    boot_with(file, true, &error);
    CHILD_CHECK(nt_registry_key_exists("HKLM\\SOFTWARE") && nt_io_halt(&error));
    io_remove_directory();
}

static void test_locked_file(void)
{
    CHILD_PASSES(locked, NULL);
}

static void test_unwritable_file(void)
{
    CHILD_PASSES(unwritable, NULL);
}

CU_ErrorCode register_registry_suite(void);
CU_ErrorCode register_registry_suite(void)
{
    static CU_TestInfo tests[] = {
        {"keys", test_keys},
        {"values", test_values},
        {"by path", test_by_path},
        {"kept in a file", test_file},
        {"a damaged file", test_damaged_file},
        {"a file that cannot be written", test_unwritable_file},
        {"a file for one machine at a time", test_locked_file},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "registry", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
