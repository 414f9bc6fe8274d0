/*
 * The command `reg`: the machine's registry, as reg.exe shows and changes it.
 */
#include "tools/nthost/commands.h"

#include "install.h"
#include "tools/nthost/tool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct type_name {
    const char *name;
    uint32_t type;
} types[] = {
    {"REG_SZ", HOST_REG_SZ},         {"REG_EXPAND_SZ", HOST_REG_EXPAND_SZ},
    {"REG_BINARY", HOST_REG_BINARY}, {"REG_DWORD", HOST_REG_DWORD},
    {"REG_NONE", HOST_REG_NONE},     {"REG_MULTI_SZ", HOST_REG_MULTI_SZ},
};

#define TYPES (sizeof(types) / sizeof(types[0]))

/* --- query --- */

/** The strings of a REG_SZ or REG_MULTI_SZ; the inner NULs as \0. */
static void print_strings(const uint16_t *text, size_t chars, bool multi)
{
    const char *separator = "";

    for (size_t at = 0, end; at < chars; at = end + 1) {
        for (end = at; end < chars && text[end] != 0; end++) {
        }
        if (multi && end == at) {
            break; /* The empty string that ends the list. */
        }
        char *utf8 = host_utf8(text + at, end - at);
        printf("%s%s", separator, utf8 != NULL ? utf8 : "(not UTF-16)");
        free(utf8);
        separator = "\\0";
        if (!multi) {
            break;
        }
    }
}

static void print_value(const struct host_registry_item *item)
{
    const char *type = "(unknown)";
    uint32_t number;

    for (size_t i = 0; i < TYPES; i++) {
        type = types[i].type == item->type ? types[i].name : type;
    }
    printf("    %-20s  %-13s  ", item->name[0] != '\0' ? item->name : "(default)", type);
    if (item->type == HOST_REG_DWORD && item->length == sizeof(number)) {
        memcpy(&number, item->data, sizeof(number));
        printf("0x%x", (unsigned)number);
    } else if (item->type == HOST_REG_SZ || item->type == HOST_REG_EXPAND_SZ ||
               item->type == HOST_REG_MULTI_SZ) {
        print_strings(item->data, item->length / sizeof(uint16_t), item->type == HOST_REG_MULTI_SZ);
    } else {
        for (size_t i = 0; i < item->length; i++) {
            printf("%02X", ((const unsigned char *)item->data)[i]);
        }
    }
    putchar('\n');
}

/** Prints a key, or one value of it. \return false: there is none. */
static bool print_key(const char *key, const char *value, bool all)
{
    size_t count;
    struct host_registry_item *items = host_registry_read(key, &count);
    bool found = items != NULL && value == NULL;
    char below[1200];

    if (found) {
        printf("%s\n", key);
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].is_key || (value != NULL && strcasecmp(items[i].name, value) != 0)) {
            continue;
        }
        if (value != NULL) {
            printf("%s\n", key);
        }
        print_value(&items[i]);
        found = true;
    }
    for (size_t i = 0; i < count && value == NULL; i++) {
        if (items[i].is_key) {
            snprintf(below, sizeof(below), "%.900s\\%s", key, items[i].name);
            if (!all) {
                printf("%s\n", below);
            } else {
                print_key(below, NULL, true);
            }
        }
    }
    host_registry_free(items, count);
    return found;
}

static bool query(int argc, char **argv)
{
    bool all = argument_flag(&argc, argv, "--all");

    if (!arguments_known(argc, argv)) {
        return false;
    }
    if (argc != 2 && argc != 3) {
        return tool_misuse("reg query KEY [VALUE] [--all]", "reg query takes a key");
    }
    return print_key(argv[1], argv[2], all) ||
           tool_fail("`reg query HKLM` shows the first level; names are separated by \\",
                     "there is no %s%s%s", argc == 2 ? "key " : argv[2],
                     argc == 2 ? "" : " in key ", argv[1]);
}

/* --- add, delete --- */

/** The strings as the registry stores them. \param count strings; REG_MULTI_SZ has any number. */
static void *pack_strings(char **texts, int count, bool multi, size_t *length)
{
    uint16_t *data = calloc(1, sizeof(*data));
    size_t used = 0;

    for (int i = 0; data != NULL && i < count; i++) {
        size_t chars;
        uint16_t *text = host_utf16(texts[i], &chars);
        uint16_t *larger = text == NULL ? NULL : realloc(data, (used + chars + 2) * sizeof(*data));

        if (larger == NULL) {
            free(text);
            free(data);
            return NULL;
        }
        data = larger;
        memcpy(data + used, text, (chars + 1) * sizeof(*data));
        used += chars + 1;
        free(text);
    }
    if (data != NULL && multi) {
        data[used++] = 0;
    }
    *length = used * sizeof(*data);
    return data;
}

static void *pack_number(const char *text, size_t *length)
{
    uint64_t number;
    uint32_t *data;

    if (!number_parse(text, "REG_DWORD", UINT32_MAX, &number)) {
        return NULL;
    }
    data = malloc(sizeof(*data));
    if (data != NULL) {
        *data = (uint32_t)number;
        *length = sizeof(*data);
    }
    return data;
}

static void *pack_bytes(const char *text, size_t *length)
{
    uint8_t *data = malloc(strlen(text) + 1);

    *length = 0;
    if (data != NULL && !bytes_parse(text, data, strlen(text), length)) {
        free(data);
        return NULL;
    }
    return data;
}

static bool add(int argc, char **argv)
{
    const struct type_name *type = NULL;
    size_t length = 0;
    void *data;
    bool done;

    if (argc < 5) {
        return tool_misuse(
            "reg add KEY VALUE REG_SZ|REG_EXPAND_SZ|REG_MULTI_SZ|REG_DWORD|REG_BINARY "
            "DATA...",
            "reg add takes a key, a value, a type and data");
    }
    for (size_t i = 0; i < TYPES; i++) {
        type = strcasecmp(types[i].name, argv[3]) == 0 ? &types[i] : type;
    }
    if (type == NULL || type->type == HOST_REG_NONE) {
        return tool_misuse("REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ, REG_DWORD or REG_BINARY",
                           "\"%s\" is no type", argv[3]);
    }
    if (argc > 5 && type->type != HOST_REG_MULTI_SZ) {
        return tool_misuse("put quotes around text with blanks", "%s takes one piece of data",
                           type->name);
    }
    data = type->type == HOST_REG_DWORD ? pack_number(argv[4], &length)
           : type->type == HOST_REG_BINARY
               ? pack_bytes(argv[4], &length)
               : pack_strings(argv + 4, argc - 4, type->type == HOST_REG_MULTI_SZ, &length);
    if (data == NULL) {
        return tool_misuse("see `help reg`", "the data are no %s", type->name);
    }
    done = host_registry_write(argv[1], argv[2], type->type, data, length);
    free(data);
    return done || tool_misuse("begin with HKLM\\; names are separated by \\",
                               "the registry does not take %s", argv[1]);
}

static bool delete_item(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        return tool_misuse("reg delete KEY [VALUE]",
                           "reg delete takes a key, or a key and a value");
    }
    return host_registry_delete(argv[1], argc == 3 ? argv[2] : NULL) ||
           tool_fail("`reg query` shows what there is", "there is no such thing in %s", argv[1]);
}

static bool reg(struct session *session, int argc, char **argv)
{
    bool (*verb)(int, char **) = strcmp(argv[1], "query") == 0 ? query
                                 : strcmp(argv[1], "add") == 0 ? add
                                                               : delete_item;

    (void)session;
    return verb(argc - 1, argv + 1);
}

const struct command commands_reg[] = {
    {"reg", "query KEY | add KEY VALUE TYPE DATA... | delete KEY",
     "shows keys and values (--all: and below), changes them", "05-install", 1, -1, NEEDS_NOTHING,
     reg},
    {0},
};
