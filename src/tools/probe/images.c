/*
 * The images. The probe's own hold a pattern that tells where a byte came from; the user's are only
 * ever opened for reading: a check that needs a medium to write to gets one of the probe's.
 */
#include "tools/probe/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_BYTES    (8u << 20)
#define SECOND_BYTES  (1u << 20)
#define CDROM_BYTES   (2u << 20)
#define LARGE_BYTES   ((1ULL << 41) + 4096) /* 2^32 blocks of 512 bytes, and 8 more */
#define PATTERN_BYTES 65536u

enum file { FILE_DISK, FILE_SECOND, FILE_CDROM, FILE_LARGE, FILE_COUNT };

static const struct {
    const char *name;
    uint64_t bytes;
} files[FILE_COUNT] = {
    [FILE_DISK] = {"disk.img", DISK_BYTES},
    [FILE_SECOND] = {"second.img", SECOND_BYTES},
    [FILE_CDROM] = {"cdrom.iso", CDROM_BYTES},
    [FILE_LARGE] = {"large.img", LARGE_BYTES},
};

struct images {
    char folder[PATH_MAX];
    char path[MACHINE_SLOTS][FILE_COUNT][PATH_MAX + 24];
    const char *disk, *cdrom; /* The user's. */
};

static bool complain(const char *what, const char *why, const char *remedy)
{
    fflush(stdout);
    fprintf(stderr, "nthost: probe: %s: %s\n    what to do: %s\n", what, why, remedy);
    return false;
}

/** Byte i of the pattern: no run of bytes occurs twice within a block. */
static uint8_t pattern(uint32_t i)
{
    return (uint8_t)(i ^ i >> 9 ^ 0x31);
}

/** Makes a file, or makes it as new. \return false, silently, where the file system cannot hold
 *  it. */
static bool make_file(const char *path, uint64_t bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint8_t buffer[PATTERN_BYTES];
    bool good;

    for (uint32_t i = 0; i < PATTERN_BYTES; i++) {
        buffer[i] = pattern(i);
    }
    good = fd >= 0 && ftruncate(fd, 0) == 0 && ftruncate(fd, (off_t)bytes) == 0 &&
           pwrite(fd, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

static bool usable(const char *path, unsigned block_size)
{
    struct stat status;

    if (path == NULL) {
        return true;
    }
    if (stat(path, &status) != 0 || access(path, R_OK) != 0) {
        return complain(path, strerror(errno), "name an image file that can be read");
    }
    if (!S_ISREG(status.st_mode)) {
        return complain(path, "it is no regular file", "name an image file");
    }
    if (status.st_size < 8 * (off_t)block_size || status.st_size % block_size != 0) {
        return complain(path, "its size is no multiple of the block size, or less than 8 blocks",
                        "truncate -s %512 FILE rounds up (a CD-ROM's: %2048)");
    }
    return true;
}

static bool make_files(struct images *images)
{
    for (unsigned slot = 0; slot < MACHINE_SLOTS; slot++) {
        for (unsigned i = 0; i < FILE_COUNT; i++) {
            char *path = images->path[slot][i];

            snprintf(path, sizeof(images->path[slot][i]), "%s/%u-%s", images->folder, slot,
                     files[i].name);
            if (i != FILE_LARGE && !make_file(path, files[i].bytes)) {
                return complain(path, strerror(errno),
                                "free some space, or set TMPDIR to another directory");
            }
        }
    }
    return true;
}

struct images *images_open(const struct probe_options *options)
{
    const char *base = getenv("TMPDIR");
    struct images *images;

    if (!usable(options->disk, 512) || !usable(options->cdrom, 2048)) {
        return NULL;
    }
    images = calloc(1, sizeof(*images));
    if (images == NULL) {
        complain("images", "out of memory", "free some memory");
        return NULL;
    }
    images->disk = options->disk;
    images->cdrom = options->cdrom;
    snprintf(images->folder, sizeof(images->folder), "%.4000s/vmini-probe-XXXXXX",
             base != NULL ? base : "/tmp");
    if (mkdtemp(images->folder) == NULL) {
        complain(images->folder, strerror(errno), "set TMPDIR to a directory that can be written");
        free(images);
        return NULL;
    }
    if (!make_files(images)) {
        images_close(images);
        return NULL;
    }
    return images;
}

void images_close(struct images *images)
{
    if (images != NULL) {
        for (unsigned i = 0; i < MACHINE_SLOTS * FILE_COUNT; i++) {
            unlink(images->path[i / FILE_COUNT][i % FILE_COUNT]);
        }
        rmdir(images->folder);
        free(images);
    }
}

static struct unit_image of_file(struct images *images, unsigned slot, enum file file,
                                 enum probe_kind kind, uint8_t lun)
{
    uint32_t block_size = kind == PROBE_CDROM ? 2048 : 512;

    return (struct unit_image){images->path[slot][file], kind, lun, block_size,
                               files[file].bytes / block_size};
}

/** The user's image instead, if there is one. */
static void use(struct unit_image *unit, const char *path, enum probe_kind kind)
{
    struct stat status;

    if (path != NULL && stat(path, &status) == 0) {
        unit->path = path;
        unit->kind = kind;
        unit->blocks = (uint64_t)status.st_size / unit->block_size;
    }
}

unsigned images_for(struct images *images, unsigned slot, const struct check *check,
                    struct unit_image units[2])
{
    if (check->writes && !make_file(images->path[slot][FILE_DISK], DISK_BYTES)) {
        return 0;
    }
    units[0] = of_file(images, slot, FILE_DISK, PROBE_DISK, 0);
    switch (check->bus) {
    case BUS_READ_ONLY:
        units[0].kind = PROBE_DISK_READ_ONLY;
        use(&units[0], images->disk, PROBE_DISK_READ_ONLY);
        return 1;
    case BUS_REMOVABLE:
        units[0].kind = PROBE_DISK_REMOVABLE;
        return 1;
    case BUS_THIN:
        units[0].kind = PROBE_DISK_THIN;
        return 1;
    case BUS_CDROM:
        units[0] = of_file(images, slot, FILE_CDROM, PROBE_CDROM, 0);
        use(&units[0], images->cdrom, PROBE_CDROM);
        return 1;
    case BUS_LUN5:
        units[0].lun = 5;
        return 1;
    case BUS_TWO:
        units[1] = of_file(images, slot, FILE_SECOND, PROBE_DISK, 5);
        return 2;
    case BUS_LARGE:
        units[0] = of_file(images, slot, FILE_LARGE, PROBE_DISK, 0);
        return make_file(images->path[slot][FILE_LARGE], LARGE_BYTES) ? 1 : 0;
    default:
        if (!check->writes) {
            use(&units[0], images->disk, PROBE_DISK_READ_ONLY);
        }
        return 1;
    }
}
