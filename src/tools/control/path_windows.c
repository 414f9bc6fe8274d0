/*
 * Paths of a Windows machine, see path.h.
 */
#include "tools/control/path.h"

#include <stdio.h>
#include <stdlib.h>

static bool fail(struct path_problem *problem, const char *path, const char *what,
                 const char *remedy)
{
    snprintf(problem->what, sizeof(problem->what), "%.200s: %s", path, what);
    snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
    return false;
}

bool control_image_path(const char *path, WCHAR *out, struct path_problem *problem)
{
    int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    WCHAR *typed = calloc((size_t)size + 1, sizeof(*typed));
    DWORD length;

    if (typed == NULL || size <= 1) {
        free(typed);
        return fail(problem, path, "this is no path", "name an image file");
    }
    MultiByteToWideChar(CP_UTF8, 0, path, -1, typed, size);
    length = GetFullPathNameW(typed, VMINI_PATH_LENGTH, out, NULL);
    free(typed);
    if (length == 0) {
        return fail(problem, path, "this is no path", "name an image file");
    }
    return length < VMINI_PATH_LENGTH ||
           fail(problem, path, "the path is too long", "at most 511 characters; use a shorter one");
}

bool control_image_whole(const char *path, uint32_t flags, struct path_problem *problem)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    WCHAR wide[VMINI_PATH_LENGTH];

    if (!control_image_path(path, wide, problem)) {
        return false;
    }
    return !GetFileAttributesExW(wide, GetFileExInfoStandard, &data) ||
           (data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ||
           control_size_whole(path, (uint64_t)data.nFileSizeHigh << 32 | data.nFileSizeLow, flags,
                              problem);
}
