/*
 * The registry as drivers use it: ZwOpenKey and its kin on the tree of regtree.c. Each call looks
 * its handle up, does one thing under the registry's lock, and answers with the statuses by which
 * callers size their buffers: STATUS_BUFFER_TOO_SMALL (not even the fixed part fits),
 * STATUS_BUFFER_OVERFLOW (the fixed part does).
 */
#include "nt/registry.h"

#include <unistd.h>

/** What a key handle stands for. */
struct key_object {
    struct reg_key *key;
};

static void key_object_destroy(void *body)
{
    reg_lock();
    reg_key_dereference(((struct key_object *)body)->key);
    reg_unlock();
}

static const struct nt_object_type key_type = {.name = "Key", .destroy = key_object_destroy};

static char *registry_file;
static int registry_lock = -1;

/** Gives the file back, if there is one. */
static void leave_file(void)
{
    free(registry_file);
    registry_file = NULL;
    if (registry_lock >= 0) {
        close(registry_lock);
        registry_lock = -1;
    }
}

/** Takes the file and reads it. */
static bool take_file(const char *file, struct host_error *error)
{
    registry_lock = regfile_lock(file, error);
    if (registry_lock < 0) {
        return false;
    }
    registry_file = strdup(file);
    if (registry_file == NULL || !regfile_load(registry_file, error)) {
        leave_file();
        return false;
    }
    return true;
}

bool registry_boot(const char *file, struct host_error *error)
{
    static const char *const skeleton[] = {
        "HKLM\\SYSTEM\\CurrentControlSet\\Services",
        "HKLM\\SYSTEM\\CurrentControlSet\\Enum",
        "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class",
        "HKLM\\SOFTWARE",
        "\\Registry\\User",
    };

    if (file != NULL && !take_file(file, error)) {
        return false;
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(skeleton); i++) {
        nt_registry_create_key(skeleton[i]);
    }
    return true;
}

bool registry_halt(struct host_error *error)
{
    bool saved = registry_file == NULL || regfile_save(registry_file, error);

    leave_file();
    reg_tree_clear();
    return saved;
}

/* --- handles --- */

/** Looks a key handle up and takes the lock; NULL with *status set, lock not held. */
static struct key_object *key_lock(HANDLE handle, NTSTATUS *status)
{
    struct key_object *object = nt_handle_lookup(handle, &key_type, NULL, status);

    if (object == NULL) {
        return NULL;
    }
    reg_lock();
    if (object->key->deleted) {
        reg_unlock();
        nt_object_dereference(object);
        *status = STATUS_KEY_DELETED;
        return NULL;
    }
    return object;
}

static void key_unlock(struct key_object *object)
{
    reg_unlock();
    nt_object_dereference(object);
}

/** Opens or makes the key that the attributes name. Lock held. */
static struct reg_key *key_open(struct key_object *directory, PCUNICODE_STRING name, bool create,
                                bool *created, NTSTATUS *status)
{
    const WCHAR *text = name->Buffer;
    size_t chars = name->Length / sizeof(WCHAR);

    *created = false;
    if (directory == NULL && (chars == 0 || text[0] != '\\')) {
        *status = STATUS_OBJECT_PATH_SYNTAX_BAD;
        return NULL;
    }
    if (directory == NULL) {
        text++;
        chars--;
    }
    if (chars != 0 && text[chars - 1] == '\\') {
        chars--;
    }
    return reg_find(directory != NULL ? directory->key : reg_root(), text, chars, create, created,
                    status);
}

static NTSTATUS key_handle(struct reg_key *key, ACCESS_MASK access, PHANDLE handle)
{
    struct key_object *object = nt_object_create(&key_type, sizeof(*object));

    if (object == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    reg_lock();
    reg_key_reference(key);
    reg_unlock();
    object->key = key;
    *handle = nt_handle_create(object, access);
    nt_object_dereference(object);
    return *handle != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS open_key(PHANDLE handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes,
                         bool create, bool is_volatile, bool *created)
{
    struct key_object *directory = NULL;
    NTSTATUS status = STATUS_SUCCESS;
    struct reg_key *key;

    *handle = NULL;
    if (attributes->RootDirectory != NULL) {
        directory = key_lock(attributes->RootDirectory, &status);
        if (directory == NULL) {
            return status;
        }
    } else {
        reg_lock();
    }
    key = key_open(directory, attributes->ObjectName, create, created, &status);
    if (key != NULL) {
        key->is_volatile = key->is_volatile || (*created && is_volatile);
        reg_key_reference(key); /* Until the handle has its own. */
    }
    reg_unlock();
    if (directory != NULL) {
        nt_object_dereference(directory);
    }
    if (key == NULL) {
        return status;
    }
    status = key_handle(key, access, handle);
    reg_lock();
    reg_key_dereference(key);
    reg_unlock();
    return status;
}

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    bool created;

    return open_key(KeyHandle, DesiredAccess, ObjectAttributes, false, false, &created);
}

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex,
                           PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    bool created = false;
    NTSTATUS status = open_key(KeyHandle, DesiredAccess, ObjectAttributes, true,
                               (CreateOptions & REG_OPTION_VOLATILE) != 0, &created);

    UNREFERENCED_PARAMETER(TitleIndex);
    UNREFERENCED_PARAMETER(Class);
    if (NT_SUCCESS(status) && Disposition != NULL) {
        *Disposition = created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    }
    return status;
}

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    if (object == NULL) {
        return status;
    }
    status = reg_key_delete(object->key, false);
    key_unlock(object);
    return status;
}

/* --- answers --- */

/** Copies what fits of an answer of `total` bytes whose fixed part is `fixed` bytes long, and frees
 *  it. */
static NTSTATUS answer(void *built, size_t fixed, size_t total, void *out, ULONG length,
                       PULONG result_length)
{
    if (built == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *result_length = (ULONG)total;
    if (length >= fixed) {
        memcpy(out, built, length < total ? length : total);
    }
    free(built);
    return length < fixed   ? STATUS_BUFFER_TOO_SMALL
           : length < total ? STATUS_BUFFER_OVERFLOW
                            : STATUS_SUCCESS;
}

static NTSTATUS answer_value(const struct reg_value *value, KEY_VALUE_INFORMATION_CLASS class,
                             void *out, ULONG length, PULONG result_length)
{
    size_t name = value->name.chars * sizeof(WCHAR);
    size_t fixed, total;
    char *built;

    if (class == KeyValuePartialInformation) {
        fixed = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
        total = fixed + value->length;
        built = calloc(1, total);
        PKEY_VALUE_PARTIAL_INFORMATION partial = (void *)built;
        if (built != NULL) {
            partial->Type = value->type;
            partial->DataLength = value->length;
            memcpy(built + fixed, value->data, value->length);
        }
    } else if (class == KeyValueFullInformation || class == KeyValueBasicInformation) {
        bool full = class == KeyValueFullInformation;
        fixed = full ? offsetof(KEY_VALUE_FULL_INFORMATION, Name)
                     : offsetof(KEY_VALUE_BASIC_INFORMATION, Name);
        size_t data = ALIGN_UP_BY(fixed + name, 8);
        total = full ? data + value->length : fixed + name;
        built = calloc(1, total + 8);
        if (built != NULL && full) {
            PKEY_VALUE_FULL_INFORMATION information = (void *)built;
            information->Type = value->type;
            information->DataOffset = (ULONG)data;
            information->DataLength = value->length;
            information->NameLength = (ULONG)name;
            memcpy(built + data, value->data, value->length);
        } else if (built != NULL) {
            PKEY_VALUE_BASIC_INFORMATION information = (void *)built;
            information->Type = value->type;
            information->NameLength = (ULONG)name;
        }
        if (built != NULL) {
            memcpy(built + fixed, value->name.text, name);
        }
    } else {
        return STATUS_INVALID_PARAMETER;
    }
    return answer(built, fixed, total, out, length, result_length);
}

static void fill_key_full(const struct reg_key *key, PKEY_FULL_INFORMATION full)
{
    full->LastWriteTime.QuadPart = key->written;
    full->ClassOffset = 0xFFFFFFFF;
    for (const struct reg_key *child = key->children; child != NULL; child = child->next) {
        full->SubKeys++;
        full->MaxNameLen = max(full->MaxNameLen, (ULONG)(child->name.chars * sizeof(WCHAR)));
    }
    for (const struct reg_value *value = key->values; value != NULL; value = value->next) {
        full->Values++;
        full->MaxValueNameLen =
            max(full->MaxValueNameLen, (ULONG)(value->name.chars * sizeof(WCHAR)));
        full->MaxValueDataLen = max(full->MaxValueDataLen, value->length);
    }
}

static NTSTATUS answer_key(const struct reg_key *key, KEY_INFORMATION_CLASS class, void *out,
                           ULONG length, PULONG result_length)
{
    size_t name = key->name.chars * sizeof(WCHAR);

    if (class == KeyFullInformation) {
        size_t fixed = offsetof(KEY_FULL_INFORMATION, Class);
        PKEY_FULL_INFORMATION full = calloc(1, sizeof(*full));
        if (full != NULL) {
            fill_key_full(key, full);
        }
        return answer(full, fixed, fixed, out, length, result_length);
    }
    if (class != KeyBasicInformation) {
        return STATUS_INVALID_PARAMETER;
    }
    size_t fixed = offsetof(KEY_BASIC_INFORMATION, Name);
    PKEY_BASIC_INFORMATION basic = calloc(1, fixed + name + 8);
    if (basic != NULL) {
        basic->LastWriteTime.QuadPart = key->written;
        basic->NameLength = (ULONG)name;
        memcpy(basic->Name, key->name.text, name);
    }
    return answer(basic, fixed, fixed + name, out, length, result_length);
}

/* --- queries --- */

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                          PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    if (object == NULL) {
        return status;
    }
    status = answer_key(object->key, KeyInformationClass, KeyInformation, Length, ResultLength);
    key_unlock(object);
    return status;
}

NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index,
                              KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                              ULONG Length, PULONG ResultLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    if (object == NULL) {
        return status;
    }
    struct reg_key *child = object->key->children;
    for (; child != NULL && Index != 0; Index--) {
        child = child->next;
    }
    status = child == NULL
                 ? STATUS_NO_MORE_ENTRIES
                 : answer_key(child, KeyInformationClass, KeyInformation, Length, ResultLength);
    key_unlock(object);
    return status;
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    if (object == NULL) {
        return status;
    }
    struct reg_value *value =
        reg_value_find(object->key, ValueName->Buffer, ValueName->Length / sizeof(WCHAR));
    status = value == NULL ? STATUS_OBJECT_NAME_NOT_FOUND
                           : answer_value(value, KeyValueInformationClass, KeyValueInformation,
                                          Length, ResultLength);
    key_unlock(object);
    return status;
}

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    if (object == NULL) {
        return status;
    }
    struct reg_value *value = object->key->values;
    for (; value != NULL && Index != 0; Index--) {
        value = value->next;
    }
    status = value == NULL ? STATUS_NO_MORE_ENTRIES
                           : answer_value(value, KeyValueInformationClass, KeyValueInformation,
                                          Length, ResultLength);
    key_unlock(object);
    return status;
}

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex,
                             ULONG Type, PVOID Data, ULONG DataSize)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    UNREFERENCED_PARAMETER(TitleIndex);
    if (object == NULL) {
        return status;
    }
    status = reg_value_set(object->key, ValueName->Buffer, ValueName->Length / sizeof(WCHAR), Type,
                           Data, DataSize);
    key_unlock(object);
    return status;
}

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    struct key_object *object = key_lock(KeyHandle, &status);

    if (object == NULL) {
        return status;
    }
    status = reg_value_delete(object->key, ValueName->Buffer, ValueName->Length / sizeof(WCHAR))
                 ? STATUS_SUCCESS
                 : STATUS_OBJECT_NAME_NOT_FOUND;
    key_unlock(object);
    return status;
}
