/*
 * The Win32 path of a host file, for tools that hand one to a driver: Z: is the root directory.
 * Refuses what Windows could not name, with the reason.
 */
#include "nt/io_internal.h"

#include <errno.h>
#include <unistd.h>

static bool fail(struct host_error *error, const char *path, const char *what, const char *remedy)
{
    snprintf(error->message, sizeof(error->message), "%.200s: %s", path, what);
    snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
    error->status = STATUS_OBJECT_NAME_INVALID;
    return false;
}

/** Takes "." and ".." and doubled slashes out of an absolute path, in place: Win32 does it before
 *  NT sees the name. */
static void canonicalize(char *path)
{
    char *out = path;

    for (const char *at = path; *at != '\0';) {
        size_t length = strcspn(at + 1, "/");
        if (length == 2 && at[1] == '.' && at[2] == '.') {
            while (out > path && *--out != '/') {
            }
        } else if (length != 0 && !(length == 1 && at[1] == '.')) {
            memmove(out, at, length + 1);
            out += length + 1;
        }
        at += length + 1;
    }
    if (out == path) {
        *out++ = '/';
    }
    *out = '\0';
}

static char *absolute(const char *path)
{
    char *directory = path[0] == '/' ? strdup("") : getcwd(NULL, 0);
    size_t size = directory == NULL ? 0 : strlen(directory) + strlen(path) + 2;
    char *joined = size == 0 ? NULL : malloc(size);

    if (joined != NULL) {
        snprintf(joined, size, "%s%s%s", directory, path[0] == '/' ? "" : "/", path);
        canonicalize(joined);
    }
    free(directory);
    return joined;
}

bool host_win32_path(const char *path, uint16_t *out, size_t out_chars, struct host_error *error)
{
    char *full = absolute(path);
    size_t chars = 0;

    if (full == NULL) {
        return fail(error, path, strerror(errno), "give an absolute path");
    }
    const char *bad = full + strcspn(full, "\\:*?\"<>|");
    char what[64];
    if (*bad != '\0') {
        snprintf(what, sizeof(what), "a Windows path cannot hold the character '%c'", *bad);
        free(full);
        return fail(error, path, what, "rename the file, or make a symbolic link to it");
    }
    WCHAR *wide = nt_utf16(full, &chars);
    free(full);
    if (wide == NULL) {
        return fail(error, path, "the name is not UTF-8", "rename the file");
    }
    if (chars + 3 > out_chars) {
        free(wide);
        return fail(error, path, "the path is too long", "use a shorter path, or a symbolic link");
    }
    out[0] = 'Z';
    out[1] = ':';
    for (size_t i = 0; i <= chars; i++) {
        out[i + 2] = wide[i] == '/' ? '\\' : wide[i];
    }
    free(wide);
    return true;
}
