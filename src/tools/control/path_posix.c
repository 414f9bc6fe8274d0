/*
 * Paths of a POSIX machine, see path.h.
 */
#include "tools/control/path.h"

#include "host.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_windows_path(const char *path)
{
    return path[0] == '\\' ||
           (isalpha((unsigned char)path[0]) && path[1] == ':' && path[2] == '\\');
}

static bool fail(struct path_problem *problem, const char *path, const char *what,
                 const char *remedy)
{
    snprintf(problem->what, sizeof(problem->what), "%.200s: %.150s", path, what);
    snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
    return false;
}

bool control_image_path(const char *path, WCHAR *out, struct path_problem *problem)
{
    size_t length = strlen(path);
    struct host_error error;

    if (length == 0) {
        return fail(problem, "\"\"", "an empty path", "name an image file");
    }
    if (!is_windows_path(path)) {
        if (host_win32_path(path, out, VMINI_PATH_LENGTH, &error)) {
            return true;
        }
        snprintf(problem->what, sizeof(problem->what), "%s", error.message);
        snprintf(problem->remedy, sizeof(problem->remedy), "%.199s", error.remedy);
        return false;
    }
    if (length >= VMINI_PATH_LENGTH) {
        return fail(problem, path, "the path is too long",
                    "at most 511 characters; use a shorter one");
    }
    for (size_t i = 0; i <= length; i++) {
        if ((unsigned char)path[i] >= 0x80) {
            return fail(problem, path, "a Windows path is taken as ASCII only",
                        "give the path in this machine's form");
        }
        out[i] = (WCHAR)path[i];
    }
    return true;
}

bool control_image_whole(const char *path, uint32_t flags, struct path_problem *problem)
{
    struct stat status;

    return stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
           control_size_whole(path, (uint64_t)status.st_size, flags, problem);
}
