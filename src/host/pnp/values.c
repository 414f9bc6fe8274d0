/*
 * One line of an AddReg section becomes a value of the registry, as its flags say: written,
 * written only if it is new or only if it is not, appended, or taken away.
 */
#include "pnp/inf.h"
#include "pnp/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Where a value goes. \return false: a key that only user-mode Windows reads, or one of a devnode
 *  that there is not. */
static bool value_key(const struct inf_install *install, const struct inf_registry_write *write,
                      char *path, size_t size)
{
    const char *separator = write->subkey[0] != '\0' ? "\\" : "";

    switch (write->root) {
    case INF_ROOT_SERVICE:
        pnp_service_key(path, size, write->subkey);
        return true;
    case INF_ROOT_DEVICE:
        snprintf(path, size, PNP_ENUM "\\" PNP_INSTANCE "\\Device Parameters%s%s", separator,
                 write->subkey);
        return pnp.has_devnode;
    case INF_ROOT_DRIVER:
        snprintf(path, size, PNP_CLASS "\\%s\\0000%s%s", install->class_guid, separator,
                 write->subkey);
        return pnp.has_devnode;
    case INF_ROOT_LOCAL_MACHINE:
        snprintf(path, size, "HKLM\\%s", write->subkey);
        return true;
    default:
        return false;
    }
}

/** Units of a string in a REG_MULTI_SZ, its NUL included; 1: the end of the list. */
static size_t string_units(const WCHAR *text)
{
    size_t units = 1;

    while (text[units - 1] != 0) {
        units++;
    }
    return units;
}

/** Is this string in the list? */
static bool list_has(const WCHAR *list, const WCHAR *text)
{
    size_t units = string_units(text);

    for (; *list != 0; list += string_units(list)) {
        if (string_units(list) == units && memcmp(list, text, units * sizeof(WCHAR)) == 0) {
            return true;
        }
    }
    return false;
}

/** Units of a list without the NUL that ends it. */
static size_t list_units(const WCHAR *list)
{
    const WCHAR *at = list;

    while (*at != 0) {
        at += string_units(at);
    }
    return (size_t)(at - list);
}

/** FLG_ADDREG_APPEND: the new strings go behind the old ones, unless they are there. The data of
 *  both end with two NULs. */
static bool append_value(const char *path, const struct inf_registry_write *write)
{
    const WCHAR *added = (const WCHAR *)(const void *)write->data;
    ULONG type, length = 0;
    WCHAR *old = nt_registry_get(path, write->value, &type, &length);
    size_t used = old != NULL && type == REG_MULTI_SZ ? list_units(old) : 0;
    WCHAR *all = calloc(used + list_units(added) + 1, sizeof(WCHAR));
    bool done = false;

    if (all != NULL) {
        if (used != 0) {
            memcpy(all, old, used * sizeof(WCHAR));
        }
        for (; *added != 0; added += string_units(added)) {
            if (!list_has(all, added)) {
                memcpy(all + used, added, string_units(added) * sizeof(WCHAR));
                used += string_units(added);
            }
        }
        done = nt_registry_set(path, write->value, REG_MULTI_SZ, all,
                               (ULONG)((used + 1) * sizeof(WCHAR)));
    }
    free(all);
    free(old);
    return done;
}

static bool value_exists(const char *path, const char *value)
{
    ULONG type, length;
    void *data = nt_registry_get(path, value, &type, &length);

    free(data);
    return data != NULL;
}

/** Does what the flags say. */
static bool write_flagged(const char *path, const struct inf_registry_write *write)
{
    bool exists = value_exists(path, write->value);

    if ((write->flags & INF_ADDREG_DELVAL) != 0) {
        return !exists || nt_registry_delete_value(path, write->value);
    }
    if ((write->flags & INF_ADDREG_KEYONLY) != 0) {
        return nt_registry_create_key(path);
    }
    if (((write->flags & INF_ADDREG_NOCLOBBER) != 0 && exists) ||
        ((write->flags & INF_ADDREG_OVERWRITEONLY) != 0 && !exists)) {
        return true;
    }
    if ((write->flags & INF_ADDREG_APPEND) != 0 && exists) {
        return append_value(path, write);
    }
    return nt_registry_set(path, write->value, write->type, write->data, (ULONG)write->size);
}

bool pnp_write_value(const struct inf_install *install, const struct inf_registry_write *write,
                     struct host_error *error)
{
    char path[512];

    if (!value_key(install, write, path, sizeof(path)) || write_flagged(path, write)) {
        return true;
    }
    return host_fail(error, STATUS_UNSUCCESSFUL, "check the name and the size of the value",
                     "line %u of the INF: the registry does not take %s\\%s", write->line, path,
                     write->value);
}
