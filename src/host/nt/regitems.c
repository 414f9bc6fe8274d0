/*
 * The registry as reg.exe shows and changes it: whole keys by path, for tools. What a driver sees
 * is in registry.c.
 */
#include "install.h"
#include "nt/registry.h"

/** Room for one more item. */
static struct host_registry_item *next_item(struct host_registry_item **items, size_t *count)
{
    struct host_registry_item *larger = realloc(*items, (*count + 1) * sizeof(**items));

    if (larger == NULL) {
        return NULL;
    }
    *items = larger;
    memset(&larger[*count], 0, sizeof(*larger));
    return &larger[(*count)++];
}

static bool copy_value(const struct reg_value *value, struct host_registry_item *item)
{
    item->name = nt_utf8(value->name.text, value->name.chars);
    item->type = value->type;
    item->length = value->length;
    item->data = value->length == 0 ? NULL : malloc(value->length);
    if (item->data != NULL) {
        memcpy(item->data, value->data, value->length);
    }
    return item->name != NULL && (value->length == 0 || item->data != NULL);
}

static bool copy_all(const struct reg_key *key, struct host_registry_item **items, size_t *count)
{
    struct host_registry_item *item;

    for (const struct reg_value *value = key->values; value != NULL; value = value->next) {
        item = next_item(items, count);
        if (item == NULL || !copy_value(value, item)) {
            return false;
        }
    }
    for (const struct reg_key *child = key->children; child != NULL; child = child->next) {
        item = next_item(items, count);
        if (item == NULL) {
            return false;
        }
        item->is_key = true;
        item->name = nt_utf8(child->name.text, child->name.chars);
        if (item->name == NULL) {
            return false;
        }
    }
    return true;
}

struct host_registry_item *host_registry_read(const char *key, size_t *count)
{
    struct host_registry_item *items = calloc(1, sizeof(*items));
    const struct reg_key *found;

    *count = 0;
    found = reg_path_lock(key, 0);
    if (items != NULL && (found == NULL || !copy_all(found, &items, count))) {
        host_registry_free(items, *count);
        items = NULL;
    }
    reg_unlock();
    return items;
}

void host_registry_free(struct host_registry_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].name);
        free(items[i].data);
    }
    free(items);
}

bool host_registry_write(const char *key, const char *value, uint32_t type, const void *data,
                         size_t length)
{
    return (strncasecmp(key, "HK", 2) == 0 || strncasecmp(key, "\\Registry\\", 10) == 0) &&
           length <= UINT32_MAX && nt_registry_set(key, value, type, data, (ULONG)length);
}

bool host_registry_delete(const char *key, const char *value)
{
    return value == NULL ? nt_registry_delete_tree(key) : nt_registry_delete_value(key, value);
}

char *host_utf8(const uint16_t *text, size_t chars)
{
    return nt_utf8(text, chars);
}

uint16_t *host_utf16(const char *text, size_t *chars)
{
    return nt_utf16(text, chars);
}
