/*
 * Security descriptors in text form, as an INF gives one to its device: "D:P(A;;GA;;;SY)(A;;GA;;;BA)".
 * Enough of the language for a device's DACL: entries that allow or deny, well-known groups, generic,
 * file and numeric rights. Owner, group, SACL, inheritance and SIDs in numbers are passed over: an
 * entry for somebody who is not known here is for nobody.
 */
#include "nt/io_internal.h"

/** Rights on a device: what the generic ones become. */
#define DEVICE_READ    0x1u
#define DEVICE_WRITE   0x2u
#define DEVICE_EXECUTE 0x20u
#define DEVICE_ALL     (DEVICE_READ | DEVICE_WRITE | DEVICE_EXECUTE)

/** One entry, "(type;flags;rights;object;inherited object;trustee)", by its parts. */
struct entry {
    const char *part[6];
    size_t length[6];
};

static const struct {
    char name[3];
    ACCESS_MASK access;
} known_rights[] = {
    {"GA", DEVICE_ALL},  {"GR", DEVICE_READ},  {"GW", DEVICE_WRITE},   {"GX", DEVICE_EXECUTE},
    {"FA", DEVICE_ALL},  {"FR", DEVICE_READ},  {"FW", DEVICE_WRITE},   {"FX", DEVICE_EXECUTE},
    {"CC", DEVICE_READ}, {"DC", DEVICE_WRITE}, {"WP", DEVICE_EXECUTE},
};

static bool part_is(const struct entry *entry, unsigned part, const char *text)
{
    return entry->length[part] == strlen(text) &&
           strncasecmp(entry->part[part], text, entry->length[part]) == 0;
}

/** Is the entry about such a user? Administrators here are elevated ones. */
static bool is_about(const struct entry *entry, enum host_user user)
{
    return part_is(entry, 5, "WD") || part_is(entry, 5, "AU") || part_is(entry, 5, "IU") ||
           part_is(entry, 5, "BU") || (user == HOST_USER_ADMINISTRATOR && part_is(entry, 5, "BA"));
}

/** Rights by pairs of letters, or as a number. */
static ACCESS_MASK rights_of(const struct entry *entry)
{
    const char *text = entry->part[2];
    ACCESS_MASK access = 0;

    if (entry->length[2] > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        return (ACCESS_MASK)strtoul(text, NULL, 16) & DEVICE_ALL;
    }
    for (size_t i = 0; i + 1 < entry->length[2]; i += 2) {
        for (size_t j = 0; j < RTL_NUMBER_OF(known_rights); j++) {
            access |=
                strncasecmp(text + i, known_rights[j].name, 2) == 0 ? known_rights[j].access : 0;
        }
    }
    return access;
}

/** Reads the entry that begins with the parenthesis at `at`. \return what is behind it, or NULL. */
static const char *read_entry(const char *at, struct entry *entry)
{
    for (unsigned part = 0; part < 6; part++) {
        at++;
        entry->part[part] = at;
        entry->length[part] = strcspn(at, ";()");
        at += entry->length[part];
        if (*at != (part < 5 ? ';' : ')')) {
            return NULL;
        }
    }
    return at + 1;
}

static ACCESS_MASK generic_to_device(ACCESS_MASK access)
{
    return (access & DEVICE_ALL) | ((access & GENERIC_ALL) != 0 ? DEVICE_ALL : 0) |
           ((access & GENERIC_READ) != 0 ? DEVICE_READ : 0) |
           ((access & GENERIC_WRITE) != 0 ? DEVICE_WRITE : 0) |
           ((access & GENERIC_EXECUTE) != 0 ? DEVICE_EXECUTE : 0);
}

bool nt_sddl_allows(const char *sddl, enum host_user user, ACCESS_MASK access)
{
    const char *at = strstr(sddl, "D:");
    ACCESS_MASK missing = generic_to_device(access);
    struct entry entry;

    if (at == NULL) {
        return true;
    }
    at += 2 + strspn(at + 2, "PAIR");
    while (*at == '(') {
        at = read_entry(at, &entry);
        if (at == NULL) {
            return false;
        }
        if (!is_about(&entry, user)) {
            continue;
        }
        if (part_is(&entry, 0, "D") && (rights_of(&entry) & missing) != 0) {
            return false;
        }
        if (part_is(&entry, 0, "A")) {
            missing &= ~rights_of(&entry);
        }
    }
    return missing == 0;
}
