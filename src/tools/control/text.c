/*
 * Text for people. nthost's prompt and vminictl say the same things in the same words: here.
 */
#include "tools/control/text.h"

#include "tools/control/explain.h"
#include "tools/control/path.h"

#include <inttypes.h>
#include <stdio.h>

/** Is Z: this machine's root directory? Where the driver's Windows is a simulated one. */
#ifdef _WIN32
#define ROOT_IS_Z false
#else
#define ROOT_IS_Z true
#endif

/** Appends one code point. \return bytes. */
static size_t put_utf8(char *out, uint32_t c)
{
    size_t used = 0;

    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[used++] = (char)(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        out[used++] = (char)(0xE0 | c >> 12);
        out[used++] = (char)(0x80 | (c >> 6 & 0x3F));
    } else {
        out[used++] = (char)(0xF0 | c >> 18);
        out[used++] = (char)(0x80 | (c >> 12 & 0x3F));
        out[used++] = (char)(0x80 | (c >> 6 & 0x3F));
    }
    out[used++] = (char)(0x80 | (c & 0x3F));
    return used;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

const char *control_path_text(const WCHAR *path, char *buffer, size_t size)
{
    bool posix = ROOT_IS_Z && path[0] == 'Z' && path[1] == ':' && path[2] == '\\';
    size_t used = 0;

    for (size_t i = posix ? 2 : 0; i < VMINI_PATH_LENGTH && path[i] != 0 && used + 5 < size; i++) {
        uint32_t c = path[i];

        if (is_high(c) && i + 1 < VMINI_PATH_LENGTH && is_low(path[i + 1])) {
            c = 0x10000 + ((c - 0xD800) << 10) + (path[++i] - 0xDC00u);
        } else if (is_high(c) || is_low(c)) {
            c = 0xFFFD; /* Half a character. */
        }
        used += put_utf8(buffer + used, posix && c == '\\' ? '/' : c);
    }
    buffer[used] = '\0';
    return buffer;
}

const char *size_text(uint64_t bytes, char *buffer, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    unsigned unit = 0;

    if (bytes < 1024) {
        snprintf(buffer, size, "%u bytes", (unsigned)bytes);
        return buffer;
    }
    for (value /= 1024; value >= 1024 && unit < 5; value /= 1024) {
        unit++;
    }
    snprintf(buffer, size, "%.1f %s", value, units[unit]);
    return buffer;
}

const char *control_state_name(uint32_t state)
{
    static const char *const names[] = {"arriving", "enumerated", "departing"};

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *control_kind_name(uint32_t kind)
{
    static const char *const names[] = {"unknown", "arrival", "departure", "media error",
                                        "connect failed"};

    return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

void control_print_image(const VMINI_ACTIVE_ENTRY *entry)
{
    char path[CONTROL_PATH_BYTES], size[32];

    printf("%u:%u:%u  %-10s %10s%s%s%s%s  %s\n", entry->Address.Path, entry->Address.Target,
           entry->Address.Lun, control_state_name(entry->State),
           size_text(entry->BlockCount * entry->BlockSize, size, sizeof(size)),
           (entry->Flags & VMINI_CONNECT_CDROM) != 0 ? " CD-ROM" : "",
           (entry->Flags & VMINI_CONNECT_READ_ONLY) != 0 ? " read-only" : "",
           (entry->Flags & VMINI_CONNECT_REMOVABLE) != 0 ? " removable" : "",
           (entry->Flags & VMINI_CONNECT_THIN) != 0 ? " thin" : "",
           control_path_text(entry->PathName, path, sizeof(path)));
}

void control_print_event(const VMINI_EVENT *event)
{
    const char *status = nt_status_name(event->Status);
    char path[CONTROL_PATH_BYTES];

    if (event->Lost != 0) {
        printf("(%u event(s) were overwritten before)\n", (unsigned)event->Lost);
    }
    printf("#%" PRIu64 " %s ", (uint64_t)event->Sequence, control_kind_name(event->Kind));
    if (event->Address.Path != 0xFF) {
        printf("%u:%u:%u ", event->Address.Path, event->Address.Target, event->Address.Lun);
    }
    printf("%s", control_path_text(event->PathName, path, sizeof(path)));
    if (event->Status != 0) {
        printf(" %s (%08X)", status != NULL ? status : "", (unsigned)event->Status);
    }
    putchar('\n');
}

void control_print_connected(const VMINI_CONNECT_OUT *out, const char *path)
{
    char size[32];

    printf("%u:%u:%u  %s  %" PRIu64 " blocks of %u bytes (%s)\n", out->Address.Path,
           out->Address.Target, out->Address.Lun, path, (uint64_t)out->BlockCount,
           (unsigned)out->BlockSize,
           size_text(out->BlockCount * out->BlockSize, size, sizeof(size)));
}

void control_print_ping(const VMINI_SCSIPORT_OUT *out)
{
    printf(
        "vmini, interface version %u: %u bus(es) x %u targets x %u logical units, %u connected\n",
        (unsigned)out->Version, (unsigned)out->NumberOfBuses, (unsigned)out->MaximumTargets,
        (unsigned)out->MaximumLuns, (unsigned)out->ActiveDevices);
}

bool control_size_whole(const char *path, uint64_t size, uint32_t flags,
                        struct path_problem *problem)
{
    unsigned block = (flags & VMINI_CONNECT_CDROM) != 0 ? 2048 : 512;

    if (size < block || size % block == 0) {
        return true;
    }
    snprintf(problem->what, sizeof(problem->what),
             "connect %.200s: its %" PRIu64
             " bytes are no multiple of the block size %u: the last %u bytes would be missing",
             path, size, block, (unsigned)(size % block));
    snprintf(problem->remedy, sizeof(problem->remedy),
             "truncate -s %%%u FILE makes it longer; work on a copy if in doubt", block);
    return false;
}
