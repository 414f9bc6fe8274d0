/*
 * The registry as a tree in memory, and its use by path from the host's own side (INF, parameters,
 * device properties). One lock guards all of it. Knows neither handles nor files: registry.c and
 * regfile.c do.
 */
#include "nt/registry.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct reg_key root = {.references = 1};

void reg_lock(void)
{
    pthread_mutex_lock(&lock);
}

void reg_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

struct reg_key *reg_root(void)
{
    return &root;
}

/* --- names --- */

static bool name_equal(const struct reg_name *name, const WCHAR *text, size_t chars)
{
    if (name->chars != chars) {
        return false;
    }
    for (size_t i = 0; i < chars; i++) {
        if (nt_upcase(name->text[i]) != nt_upcase(text[i])) {
            return false;
        }
    }
    return true;
}

static bool name_set(struct reg_name *name, const WCHAR *text, size_t chars)
{
    name->text = calloc(chars + 1, sizeof(WCHAR));
    if (name->text == NULL) {
        return false;
    }
    memcpy(name->text, text, chars * sizeof(WCHAR));
    name->chars = chars;
    return true;
}

/* --- keys --- */

static struct reg_key *child_find(const struct reg_key *key, const WCHAR *name, size_t chars)
{
    struct reg_key *child = key->children;

    while (child != NULL && !name_equal(&child->name, name, chars)) {
        child = child->next;
    }
    return child;
}

static struct reg_key *child_create(struct reg_key *key, const WCHAR *name, size_t chars)
{
    struct reg_key *child = calloc(1, sizeof(*child));
    struct reg_key **link = &key->children;

    if (child == NULL || !name_set(&child->name, name, chars)) {
        free(child);
        return NULL;
    }
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = child;
    child->parent = key;
    child->references = 1;
    child->is_volatile = key->is_volatile;
    child->written = key->written = (LONGLONG)sched_time();
    return child;
}

void reg_key_reference(struct reg_key *key)
{
    key->references++;
}

static void value_free(struct reg_value *value)
{
    free(value->name.text);
    free(value->data);
    free(value);
}

static void key_clear_values(struct reg_key *key)
{
    while (key->values != NULL) {
        struct reg_value *value = key->values;
        key->values = value->next;
        value_free(value);
    }
}

void reg_key_dereference(struct reg_key *key)
{
    if (--key->references == 0) {
        key_clear_values(key);
        free(key->name.text);
        free(key);
    }
}

NTSTATUS reg_key_delete(struct reg_key *key, bool tree)
{
    if (key == &root || (key->children != NULL && !tree)) {
        return STATUS_CANNOT_DELETE;
    }
    while (key->children != NULL) {
        reg_key_delete(key->children, true);
    }
    struct reg_key **link = &key->parent->children;
    while (*link != key) {
        link = &(*link)->next;
    }
    *link = key->next;
    key->deleted = true;
    key->parent = NULL;
    key->next = NULL;
    reg_key_dereference(key);
    return STATUS_SUCCESS;
}

struct reg_key *reg_find(struct reg_key *from, const WCHAR *path, size_t chars, int create,
                         bool *created, NTSTATUS *status)
{
    struct reg_key *key = from;
    size_t at = 0;

    *created = false;
    *status = STATUS_SUCCESS;
    while (at < chars) {
        size_t length = 0;
        while (at + length < chars && path[at + length] != '\\') {
            length++;
        }
        bool last = at + length >= chars;
        struct reg_key *child = child_find(key, path + at, length);
        if (length == 0 || length > 255) {
            *status = STATUS_OBJECT_NAME_INVALID;
            return NULL;
        }
        if (child == NULL && (create == 2 || (create == 1 && last))) {
            child = child_create(key, path + at, length);
            *created = true;
            *status = child == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
        } else if (child == NULL) {
            *status = STATUS_OBJECT_NAME_NOT_FOUND;
        }
        if (child == NULL) {
            return NULL;
        }
        key = child;
        at += length + 1;
    }
    return key;
}

void reg_tree_clear(void)
{
    reg_lock();
    while (root.children != NULL) {
        reg_key_delete(root.children, true);
    }
    reg_unlock();
}

/* --- values --- */

struct reg_value *reg_value_find(const struct reg_key *key, const WCHAR *name, size_t chars)
{
    struct reg_value *value = key->values;

    while (value != NULL && !name_equal(&value->name, name, chars)) {
        value = value->next;
    }
    return value;
}

NTSTATUS reg_value_set(struct reg_key *key, const WCHAR *name, size_t chars, ULONG type,
                       const void *data, ULONG length)
{
    struct reg_value *value = reg_value_find(key, name, chars);
    void *copy = malloc(length + 1);

    if (copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (value == NULL) {
        struct reg_value **link = &key->values;
        value = calloc(1, sizeof(*value));
        if (value == NULL || !name_set(&value->name, name, chars)) {
            free(value);
            free(copy);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        while (*link != NULL) {
            link = &(*link)->next;
        }
        *link = value;
    }
    if (length != 0) {
        memcpy(copy, data, length);
    }
    free(value->data);
    value->data = copy;
    value->type = type;
    value->length = length;
    key->written = (LONGLONG)sched_time();
    return STATUS_SUCCESS;
}

bool reg_value_delete(struct reg_key *key, const WCHAR *name, size_t chars)
{
    struct reg_value **link = &key->values;

    while (*link != NULL && !name_equal(&(*link)->name, name, chars)) {
        link = &(*link)->next;
    }
    struct reg_value *value = *link;
    if (value != NULL) {
        *link = value->next;
        value_free(value);
    }
    return value != NULL;
}

/* --- by path --- */

/** Characters of the root key's name if the path begins with it, else 0. */
static size_t root_name(const char *path)
{
    static const char *const names[] = {"HKLM", "HKEY_LOCAL_MACHINE"};

    for (size_t i = 0; i < RTL_NUMBER_OF(names); i++) {
        size_t length = strlen(names[i]);

        if (strncasecmp(path, names[i], length) == 0 &&
            (path[length] == '\\' || path[length] == '\0')) {
            return length;
        }
    }
    return 0;
}

struct reg_key *reg_path_lock(const char *path, int create)
{
    const char *rest = path;
    size_t skip = root_name(path);
    char full[1024];
    bool created;
    NTSTATUS status;
    size_t chars = 0;
    WCHAR *wide;

    if (skip != 0) {
        snprintf(full, sizeof(full), "Registry\\Machine%s", path + skip);
        rest = full;
    }
    wide = nt_utf16(rest[0] == '\\' ? rest + 1 : rest, &chars);
    reg_lock();
    struct reg_key *key =
        wide == NULL ? NULL : reg_find(&root, wide, chars, create, &created, &status);
    free(wide);
    return key;
}

bool nt_registry_set(const char *path, const char *value, ULONG type, const void *data,
                     ULONG length)
{
    size_t chars = 0;
    WCHAR *name = nt_utf16(value, &chars);
    struct reg_key *key = reg_path_lock(path, 2);
    bool done = key != NULL && name != NULL &&
                NT_SUCCESS(reg_value_set(key, name, chars, type, data, length));

    reg_unlock();
    free(name);
    return done;
}

bool nt_registry_set_dword(const char *path, const char *value, uint32_t data)
{
    return nt_registry_set(path, value, REG_DWORD, &data, sizeof(data));
}

bool nt_registry_set_string(const char *path, const char *value, const char *utf8, bool multi)
{
    size_t chars = 0;
    WCHAR *text = nt_utf16(utf8, &chars);
    /* One NUL behind the text, and in a REG_MULTI_SZ one more behind the last string. */
    WCHAR *data = text == NULL ? NULL : calloc(chars + 2, sizeof(WCHAR));
    bool done = false;

    if (data != NULL) {
        for (size_t i = 0; i < chars; i++) {
            data[i] = multi && text[i] == '\n' ? 0 : text[i];
        }
        size_t length = chars + (multi && chars != 0 ? 2 : 1);
        done = nt_registry_set(path, value, multi ? REG_MULTI_SZ : REG_SZ, data,
                               (ULONG)(length * sizeof(WCHAR)));
    }
    free(data);
    free(text);
    return done;
}

void *nt_registry_get(const char *path, const char *value, ULONG *type, ULONG *length)
{
    size_t chars = 0;
    WCHAR *name = nt_utf16(value, &chars);
    struct reg_key *key = reg_path_lock(path, 0);
    struct reg_value *found = key == NULL || name == NULL ? NULL : reg_value_find(key, name, chars);
    void *copy = found == NULL ? NULL : calloc(1, found->length + sizeof(WCHAR));

    if (copy != NULL) {
        memcpy(copy, found->data, found->length);
        *type = found->type;
        *length = found->length;
    }
    reg_unlock();
    free(name);
    return copy;
}

char *nt_registry_get_string(const char *path, const char *value)
{
    ULONG type, length;
    WCHAR *data = nt_registry_get(path, value, &type, &length);
    char *text = NULL;

    if (data != NULL && (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ)) {
        size_t chars = 0;
        while (chars < length / sizeof(WCHAR) && data[chars] != 0) {
            chars++;
        }
        text = nt_utf8(data, chars);
    }
    free(data);
    return text;
}

bool nt_registry_create_key(const char *path)
{
    bool done = reg_path_lock(path, 2) != NULL;

    reg_unlock();
    return done;
}

bool nt_registry_key_exists(const char *path)
{
    bool exists = reg_path_lock(path, 0) != NULL;

    reg_unlock();
    return exists;
}

bool nt_registry_delete_tree(const char *path)
{
    struct reg_key *key = reg_path_lock(path, 0);
    bool done = key != NULL && NT_SUCCESS(reg_key_delete(key, true));

    reg_unlock();
    return done;
}

bool nt_registry_delete_value(const char *path, const char *value)
{
    size_t chars = 0;
    WCHAR *name = nt_utf16(value, &chars);
    struct reg_key *key = reg_path_lock(path, 0);
    bool done = key != NULL && name != NULL && reg_value_delete(key, name, chars);

    reg_unlock();
    free(name);
    return done;
}

char *nt_registry_subkey(const char *path, unsigned index)
{
    struct reg_key *key = reg_path_lock(path, 0);
    struct reg_key *child = key == NULL ? NULL : key->children;

    for (; child != NULL && index != 0; index--) {
        child = child->next;
    }
    char *name = child == NULL ? NULL : nt_utf8(child->name.text, child->name.chars);
    reg_unlock();
    return name;
}
