/*
 * The front of the loaders: reads a driver file, says what is wrong with it in words, hands it to
 * the loader of its format, and remembers which addresses belong to which driver, also after it is
 * unloaded: code that is still called then must be told from a wild pointer.
 */
#define _GNU_SOURCE

#include "image/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define KNOWN 32

/** A range of addresses that is, or was, a driver. The oldest unloaded one is forgotten first. */
static struct range {
    char path[256];
    const char *base;
    size_t size;
    _Atomic bool used;
    bool unloaded;
    struct image_file file; /**< For its symbols; kept after the unload. */
    uint64_t low;           /**< Virtual address in the file that `base` stands for. */
    uint64_t age;
} ranges[KNOWN];
static uint64_t ages;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void image_error(struct host_error *error, const char *path, const char *remedy, const char *format,
                 ...)
{
    va_list arguments;
    int length;

    if (error == NULL) {
        return;
    }
    length = snprintf(error->message, sizeof error->message, "%s ", path);
    if (length >= 0 && (size_t)length < sizeof error->message) {
        va_start(arguments, format);
        vsnprintf(error->message + length, sizeof error->message - (size_t)length, format,
                  arguments);
        va_end(arguments);
    }
    snprintf(error->remedy, sizeof error->remedy, "%s", remedy);
    error->status = STATUS_INVALID_IMAGE_FORMAT;
}

/* --- files --- */

static void file_close(struct image_file *file)
{
    if (file->bytes.data != NULL) {
        munmap((void *)(uintptr_t)file->bytes.data, file->bytes.size);
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    *file = (struct image_file){.fd = -1};
}

/** Copies an open file into anonymous memory and maps it. */
static bool file_copy(int source, size_t size, struct image_file *file)
{
    void *data;

    file->fd = memfd_create("driver", MFD_CLOEXEC);
    if (file->fd < 0) {
        return false;
    }
    for (size_t left = size; left > 0;) {
        ssize_t moved = sendfile(file->fd, source, NULL, left);

        if (moved <= 0) {
            return false;
        }
        left -= (size_t)moved;
    }
    data = size == 0 ? NULL : mmap(NULL, size, PROT_READ, MAP_SHARED, file->fd, 0);
    if (data == MAP_FAILED) {
        return false;
    }
    file->bytes = (struct elf_file){data, size};
    return true;
}

static bool file_open(const char *path, struct image_file *file, struct host_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    bool ok = false;

    *file = (struct image_file){.fd = -1};
    if (fd < 0) {
        image_error(error, path, "Name the driver's file: the .so or .sys that its build made.",
                    "cannot be opened: %s.", strerror(errno));
        return false;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        image_error(error, path, "Name the driver's file itself, a .so or .sys.",
                    "is %s, not a driver file.",
                    S_ISDIR(status.st_mode) ? "a directory" : "a device, pipe or socket");
    } else if (!file_copy(fd, (size_t)status.st_size, file)) {
        image_error(error, path, "Check the file, and that memory is left.",
                    "cannot be read into memory: %s.", strerror(errno));
        file_close(file);
    } else {
        ok = true;
    }
    close(fd);
    return ok;
}

/** Is it something that a loader here can take? */
static bool file_check(const char *path, const struct image_file *file, struct host_error *error)
{
    const char *what = elf_identify(file->bytes.data, file->bytes.size);

    if (what == NULL) {
        return true;
    }
    image_error(error, path, "Build the driver as a shared object for this machine.", "is %s.",
                what);
    return false;
}

/* --- ranges --- */

/** A row for a new image: an unused one, or the one that was unloaded first. */
static struct range *range_take(void)
{
    struct range *best = NULL;

    for (unsigned i = 0; i < KNOWN; i++) {
        if (!ranges[i].used) {
            return &ranges[i];
        }
        if (ranges[i].unloaded && (best == NULL || ranges[i].age < best->age)) {
            best = &ranges[i];
        }
    }
    if (best != NULL) {
        best->used = false;
        munmap((void *)(uintptr_t)best->base, best->size);
        file_close(&best->file);
    }
    return best;
}

static bool range_add(const struct image *image, const struct image_file *file)
{
    struct range *range;
    uint64_t low = 0, high;

    if (file->pe.size == 0) {
        elf_extent(&file->bytes, &low, &high);
    }
    pthread_mutex_lock(&mutex);
    range = range_take();
    if (range != NULL) {
        snprintf(range->path, sizeof range->path, "%s", image->path);
        range->base = image->base;
        range->size = image->size;
        range->unloaded = false;
        range->file = *file;
        range->low = low;
        range->age = ++ages;
        range->used = true;
    }
    pthread_mutex_unlock(&mutex);
    return range != NULL;
}

/** The row that holds an address: a loaded image rather than one that was there before. */
static struct range *range_find(const void *address)
{
    struct range *found = NULL;

    for (unsigned i = 0; i < KNOWN; i++) {
        struct range *range = &ranges[i];

        if (range->used && (const char *)address >= range->base &&
            (size_t)((const char *)address - range->base) < range->size &&
            (found == NULL || !range->unloaded)) {
            found = range;
        }
    }
    return found;
}

/* --- the loaders --- */

static bool load(const char *path, struct image_file *file, struct image *image,
                 struct host_error *error)
{
    if (pe_looks_like(file->bytes.data, file->bytes.size)) {
        return sys_load(path, file, image, error);
    }
    return file_check(path, file, error) && so_load(path, file, image, error);
}

static void unload(struct image *image)
{
    if (strcmp(image->format, "sys") == 0) {
        sys_unload(image);
    } else {
        so_unload(image);
    }
}

/* --- the interface --- */

bool image_load(const char *path, struct image **out, struct host_error *error)
{
    struct image *image = calloc(1, sizeof *image);
    struct image_file file;

    *out = NULL;
    if (image == NULL || !file_open(path, &file, error)) {
        free(image);
        return false;
    }
    image->path = strdup(path);
    if (image->path == NULL || !load(path, &file, image, error)) {
        file_close(&file);
        free(image->path);
        free(image);
        return false;
    }
    if (!range_add(image, &file)) {
        image_error(error, path, "Unload one of the others.",
                    "is one driver too many: %d are loaded.", KNOWN);
        unload(image);
        file_close(&file);
        free(image->path);
        free(image);
        return false;
    }
    *out = image;
    return true;
}

void image_unload(struct image *image)
{
    struct range *range = range_find(image->base);

    range->unloaded =
        true; /* Before it is true: a thread that still runs there faults in what follows. */
    unload(image);
    free(image->path);
    free(image);
}

const char *image_contains(const void *address, bool *unloaded)
{
    const struct range *range = range_find(address);

    if (unloaded != NULL) {
        *unloaded = range != NULL && range->unloaded;
    }
    return range == NULL ? NULL : range->path;
}

uint64_t image_offset(const void *address)
{
    const struct range *range = range_find(address);

    return range == NULL ? 0 : (uint64_t)((const char *)address - range->base) + range->low;
}

const char *image_symbol(const void *address, char *buffer, size_t length)
{
    const struct range *range = range_find(address);
    uint64_t offset;
    const char *name;

    if (range == NULL) {
        return NULL;
    }
    offset = (uint64_t)((const char *)address - range->base);
    if (range->file.pe.size != 0) {
        return pe_function_name(&range->file.pe, (uint32_t)offset, buffer, length) ? buffer : NULL;
    }
    name = elf_function(&range->file.bytes, offset + range->low, &offset);
    if (name == NULL) {
        return NULL;
    }
    snprintf(buffer, length, "%.*s", (int)strcspn(name, "."), name); /* As the source calls it. */
    return buffer;
}

void image_discard_init(struct image *image)
{
    struct range *range = range_find(image->base);

    if (range->file.pe.size != 0) {
        sys_discard_init(image, &range->file.pe);
    }
}

bool image_unwind(struct pe_frame *frame, bool (*read)(uint64_t address, uint64_t *value))
{
    const struct range *range = range_find((const void *)frame->ip);

    return range != NULL && range->file.pe.size != 0 &&
           pe_unwind(&range->file.pe, (uint64_t)range->base, frame, read);
}
