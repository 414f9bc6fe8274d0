/*
 * From an NT path to a POSIX file: Z: is the root directory, UNC\SERVER\SHARE lies below the
 * directory that stands for the network. The walk goes from directory to directory by descriptor
 * and follows symbolic links itself, so that each step can be checked for the user who opens, and
 * nobody can change the path between check and use. Beneath file.c.
 */
#define _GNU_SOURCE
#include "nt/io_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#define FS_MAX_LINKS  40
#define FS_MAX_GROUPS 64

static char *unc_root;

void fs_set_unc_root(const char *path)
{
    free(unc_root);
    unc_root = path == NULL ? NULL : strdup(path);
}

/* --- errno --- */

NTSTATUS nt_status_of_errno(int error)
{
    static const struct {
        int error;
        NTSTATUS status;
    } table[] = {
        {0, STATUS_SUCCESS},
        {ENOENT, STATUS_OBJECT_NAME_NOT_FOUND},
        {ENOTDIR, STATUS_OBJECT_PATH_NOT_FOUND},
        {EACCES, STATUS_ACCESS_DENIED},
        {EPERM, STATUS_ACCESS_DENIED},
        {EROFS, STATUS_MEDIA_WRITE_PROTECTED},
        {EISDIR, STATUS_FILE_IS_A_DIRECTORY},
        {EEXIST, STATUS_OBJECT_NAME_COLLISION},
        {ELOOP, STATUS_REPARSE_POINT_NOT_RESOLVED},
        {ENAMETOOLONG, STATUS_NAME_TOO_LONG},
        {EMFILE, STATUS_TOO_MANY_OPENED_FILES},
        {ENFILE, STATUS_TOO_MANY_OPENED_FILES},
        {ENOMEM, STATUS_INSUFFICIENT_RESOURCES},
        {ENOBUFS, STATUS_INSUFFICIENT_RESOURCES},
        {ENOSPC, STATUS_DISK_FULL},
        {EDQUOT, STATUS_DISK_FULL},
        {EFBIG, STATUS_DISK_FULL},
        {EIO, STATUS_IO_DEVICE_ERROR},
        {ENXIO, STATUS_NO_SUCH_DEVICE},
        {ENODEV, STATUS_NO_SUCH_DEVICE},
        {ETXTBSY, STATUS_SHARING_VIOLATION},
        {EBUSY, STATUS_SHARING_VIOLATION},
        {EAGAIN, STATUS_DEVICE_BUSY},
        {EINVAL, STATUS_INVALID_PARAMETER},
        {EFAULT, STATUS_INVALID_USER_BUFFER},
        {EBADF, STATUS_INVALID_HANDLE},
        {EOPNOTSUPP, STATUS_NOT_SUPPORTED},
        {ENOSYS, STATUS_NOT_SUPPORTED},
        {EOVERFLOW, STATUS_IMPLEMENTATION_LIMIT},
        {ESTALE, STATUS_FILE_CLOSED},
        {ETIMEDOUT, STATUS_IO_TIMEOUT},
        {ECANCELED, STATUS_CANCELLED},
        {ENOTTY, STATUS_INVALID_DEVICE_REQUEST},
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(table); i++) {
        if (table[i].error == error) {
            return table[i].status;
        }
    }
    return STATUS_UNEXPECTED_IO_ERROR;
}

/* --- the name --- */

/** Length in characters of `prefix` if the text begins with it, in any case; else 0. */
static size_t prefix_of(PCUNICODE_STRING text, const char *prefix)
{
    size_t length = strlen(prefix);

    if (text->Length / sizeof(WCHAR) < length) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        WCHAR unit = text->Buffer[i];
        unit = unit >= 'a' && unit <= 'z' ? (WCHAR)(unit - 32) : unit;
        if (unit != (prefix[i] >= 'a' && prefix[i] <= 'z' ? prefix[i] - 32 : prefix[i])) {
            return 0;
        }
    }
    return length;
}

/** One component, as NTFS would judge it. */
static bool component_valid(const char *name, size_t length)
{
    if (length == 0 || (length == 1 && name[0] == '.') ||
        (length == 2 && name[0] == '.' && name[1] == '.')) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < 0x20 || strchr("/:*?\"<>|", name[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/** "\a\b" -> "/a/b", every component checked; a backslash at the end is taken off and
 *  remembered. */
static NTSTATUS name_to_posix(char *text, struct fs_name *name)
{
    size_t length = strlen(text);

    if (text[0] != '\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    if (length > 1 && text[length - 1] == '\\') {
        text[--length] = '\0';
        name->must_be_directory = true;
    }
    for (char *at = text; length > 1 && *at != '\0';) {
        size_t component = strcspn(at + 1, "\\");
        if (!component_valid(at + 1, component)) {
            return STATUS_OBJECT_NAME_INVALID;
        }
        if (component > 255) {
            return STATUS_NAME_TOO_LONG;
        }
        *at = '/';
        at += 1 + component;
    }
    text[0] = '/';
    name->path = text;
    return STATUS_SUCCESS;
}

/** Finds out which volume the path names and how many characters that takes. */
static NTSTATUS name_volume(PCUNICODE_STRING path, size_t *skip, bool *remote)
{
    static const char *const prefixes[] = {"\\??\\", "\\DosDevices\\", "\\GLOBAL??\\"};
    size_t chars = path->Length / sizeof(WCHAR);
    size_t at = prefix_of(path, "\\Device\\Mup");
    UNICODE_STRING rest = *path;

    *remote = at != 0;
    for (size_t i = 0; at == 0 && i < RTL_NUMBER_OF(prefixes); i++) {
        at = prefix_of(path, prefixes[i]);
    }
    if (at == 0) {
        return chars != 0 && path->Buffer[0] == '\\' ? STATUS_OBJECT_PATH_NOT_FOUND
                                                     : STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    rest.Buffer += at;
    rest.Length = (USHORT)(path->Length - at * sizeof(WCHAR));
    if (!*remote && prefix_of(&rest, "UNC\\") != 0) {
        *remote = true;
        at += 3;
    } else if (!*remote && prefix_of(&rest, "Z:") != 0) {
        at += 2;
    } else if (!*remote) {
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    *skip = at;
    return at == chars ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS; /* The raw volume: no. */
}

NTSTATUS fs_name_parse(PCUNICODE_STRING nt_path, struct fs_name *name)
{
    size_t skip = 0;
    NTSTATUS status;

    memset(name, 0, sizeof(*name));
    if (nt_path == NULL || nt_path->Length % sizeof(WCHAR) != 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    status = name_volume(nt_path, &skip, &name->remote);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    char *text = nt_utf8(nt_path->Buffer + skip, nt_path->Length / sizeof(WCHAR) - skip);
    if (text == NULL) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    status = name_to_posix(text, name);
    if (NT_SUCCESS(status) && name->remote &&
        (unc_root == NULL || strchr(name->path + 1, '/') == NULL)) {
        status = STATUS_BAD_NETWORK_PATH; /* No network, or \\SERVER without a share. */
    }
    if (!NT_SUCCESS(status)) {
        free(text);
        name->path = NULL;
    }
    return status;
}

/* --- rights --- */

/** The groups of a user, looked up once per question: opens are rare. */
static bool in_group(const struct nt_token *who, gid_t group)
{
    gid_t groups[FS_MAX_GROUPS];
    int count = FS_MAX_GROUPS;
    struct passwd *user = getpwuid(who->uid);

    if (user == NULL) {
        return group == who->uid; /* A user without an entry: the group of the same number. */
    }
    if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0) {
        count = FS_MAX_GROUPS;
    }
    for (int i = 0; i < count; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

gid_t fs_group_of(const struct nt_token *who)
{
    struct passwd *user = getpwuid(who->uid);

    return user != NULL ? user->pw_gid : (gid_t)who->uid;
}

bool fs_permits(const struct stat *status, const struct nt_token *who, unsigned rights)
{
    unsigned mode = status->st_mode & 0777;

    if (who == NULL) {
        return true;
    }
    if (who->uid == 0) { /* Root may all, but execute only what somebody may. */
        return (rights & 1) == 0 || S_ISDIR(status->st_mode) || (mode & 0111) != 0;
    }
    if (status->st_uid == who->uid) {
        mode >>= 6;
    } else if (in_group(who, status->st_gid)) {
        mode >>= 3;
    }
    return (mode & rights) == rights;
}

/* --- the walk --- */

struct walk {
    int at;     /* The directory reached. */
    char *rest; /* What is still to go, without a leading slash. */
    unsigned links;
    bool remote;
    unsigned depth; /* Components taken, for telling server and share apart. */
    const struct nt_token *who;
};

static int walk_open_root(bool remote)
{
    return open(remote ? unc_root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/** Replaces the link by what it says. */
static int walk_follow(struct walk *walk, int link, const char *after)
{
    char target[4096];
    ssize_t length = readlinkat(link, "", target, sizeof(target) - 1);
    char *joined;

    if (length < 0) {
        return errno;
    }
    if (++walk->links > FS_MAX_LINKS) {
        return ELOOP;
    }
    target[length] = '\0';
    if (asprintf(&joined, "%s/%s", target, after) < 0) {
        return ENOMEM;
    }
    if (target[0] == '/') {
        close(walk->at);
        walk->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    free(walk->rest);
    walk->rest = joined;
    return walk->at < 0 ? errno : 0;
}

/** A missing directory on the way: which status depends on where it was to be. */
static NTSTATUS walk_missing(const struct walk *walk)
{
    if (walk->remote && walk->depth <= 1) {
        return walk->depth == 0 ? STATUS_BAD_NETWORK_PATH : STATUS_BAD_NETWORK_NAME;
    }
    return STATUS_OBJECT_PATH_NOT_FOUND;
}

static NTSTATUS walk_end(struct walk *walk, struct fs_place *place, int file, const char *name)
{
    snprintf(place->last, sizeof(place->last), "%s", name);
    place->parent = walk->at;
    place->file = file;
    walk->at = -1;
    return STATUS_SUCCESS;
}

/** Takes one component. \return STATUS_MORE_ENTRIES while there is more to go. */
static NTSTATUS walk_step(struct walk *walk, struct fs_place *place)
{
    char name[256];
    char *start = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(start, "/");
    char *after = start + length + strspn(start + length, "/");
    bool last = *after == '\0';

    if (length == 0) {
        snprintf(name, sizeof(name), ".");
    } else if (length >= sizeof(name)) {
        return STATUS_NAME_TOO_LONG;
    } else {
        snprintf(name, sizeof(name), "%.*s", (int)length, start);
    }
    struct stat directory;
    if (fstat(walk->at, &directory) != 0 || !fs_permits(&directory, walk->who, 1)) {
        return STATUS_ACCESS_DENIED;
    }
    int next = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0 && errno == ENOENT && last) {
        return walk->remote && walk->depth <= 1 ? walk_missing(walk)
                                                : walk_end(walk, place, -1, name);
    }
    if (next < 0) {
        return errno == ENOENT || errno == ENOTDIR ? walk_missing(walk) : nt_status_of_errno(errno);
    }
    if (fstat(next, &place->status) != 0) {
        int error = errno;
        close(next);
        return nt_status_of_errno(error);
    }
    if (S_ISLNK(place->status.st_mode)) {
        int error = walk_follow(walk, next, after);
        close(next);
        return error == 0 ? STATUS_MORE_ENTRIES : nt_status_of_errno(error);
    }
    walk->depth++;
    if (last) {
        return walk_end(walk, place, next, length == 0 ? "" : name);
    }
    if (!S_ISDIR(place->status.st_mode)) {
        close(next);
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    close(walk->at);
    walk->at = next;
    memmove(walk->rest, after, strlen(after) + 1);
    return STATUS_MORE_ENTRIES;
}

NTSTATUS fs_walk(const struct fs_name *name, const struct nt_token *who, struct fs_place *place)
{
    struct walk walk = {.rest = strdup(name->path + 1), .remote = name->remote, .who = who};
    NTSTATUS status = STATUS_MORE_ENTRIES;

    memset(place, 0, sizeof(*place));
    place->parent = place->file = -1;
    walk.at = walk_open_root(name->remote);
    if (walk.at < 0) {
        status = name->remote ? STATUS_BAD_NETWORK_PATH : nt_status_of_errno(errno);
    }
    while (status == STATUS_MORE_ENTRIES) {
        status = walk_step(&walk, place);
    }
    if (walk.at >= 0) {
        close(walk.at);
    }
    free(walk.rest);
    return status;
}

void fs_place_close(struct fs_place *place)
{
    if (place->parent >= 0) {
        close(place->parent);
    }
    if (place->file >= 0) {
        close(place->file);
    }
    place->parent = place->file = -1;
}
