/*
 * Who called: the stack of the running thread with function names, those of static functions too.
 * Nothing here allocates, because most of it runs when something has just gone wrong.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include "image/elf.h"
#include "image/image.h"
#include "image/pe.h"
#include "verifier/report.h"

#define FRAMES      64
#define STACK_REACH (256u * 1024) /* Of one frame. */

/** This program, for the names of its own functions. */
static struct elf_file self;
static uint64_t self_low;
static pthread_once_t self_once = PTHREAD_ONCE_INIT;

static void self_open(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    uint64_t high;
    struct stat status;
    void *data;

    if (fd < 0) {
        return;
    }
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
        data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            self = (struct elf_file){data, (size_t)status.st_size};
            elf_extent(&self, &self_low, &high);
        }
    }
    close(fd);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/** Name of a function of the host, or NULL. */
static const char *host_function(const void *address, uint64_t *offset)
{
    struct link_map *map = NULL;
    Dl_info info;

    pthread_once(&self_once, self_open);
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0) {
        return NULL;
    }
    if (map != NULL && map->l_name[0] == '\0' && self.data != NULL) {
        uint64_t bias = (uint64_t)info.dli_fbase - self_low;

        return elf_function(&self, (uint64_t)address - bias, offset);
    }
    if (info.dli_sname != NULL) {
        *offset = (uint64_t)((const char *)address - (const char *)info.dli_saddr);
    }
    return info.dli_sname;
}

const char *verifier_function_name(const void *address, char *buffer, size_t length)
{
    bool unloaded;
    const char *path = image_contains(address, &unloaded);
    char name[128];
    uint64_t offset = 0;

    if (address == NULL) {
        snprintf(buffer, length, "an unknown place");
    } else if (path != NULL) {
        const char *symbol = image_symbol(address, name, sizeof name);

        snprintf(buffer, length, "%s (%s%s)", symbol == NULL ? "?" : symbol, base_name(path),
                 unloaded ? ", unloaded" : "");
    } else {
        const char *symbol = host_function(address, &offset);

        snprintf(buffer, length, "%s", symbol == NULL ? "?" : symbol);
    }
    return buffer;
}

/** A frame of code with frame pointers. */
struct frame {
    const struct frame *caller;
    const char *returns_to;
};

/** Is it likely to be the caller's frame? The chain may end in code without frame pointers. */
static bool follows(const struct frame *frame, const struct frame *caller)
{
    return caller > frame && (uintptr_t)caller % sizeof(void *) == 0 &&
           (uintptr_t)caller - (uintptr_t)frame < STACK_REACH;
}

/* Asked at each allocation: by frame pointers, which the host has, and no further than to the first
 * frame of a driver, which need not have any. */
__attribute__((no_sanitize("address"))) const void *verifier_driver_caller(void)
{
    const struct frame *frame = __builtin_frame_address(0);
    bool unloaded;

    for (unsigned i = 0; i < FRAMES; i++, frame = frame->caller) {
        if (image_contains(frame->returns_to, &unloaded) != NULL && !unloaded) {
            return frame->returns_to - 1;
        }
        if (!follows(frame, frame->caller)) {
            break;
        }
    }
    return NULL;
}

/* --- walking --- */

/** The frames of a stack, the newest first. */
struct walk {
    void *frames[FRAMES];
    int count;
    struct pe_frame last; /**< Registers of the last one; only those that every frame keeps. */
};

/** A frame that the compiler's unwinder knows. */
static _Unwind_Reason_Code walk_step(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;

    if (walk->count == FRAMES) {
        return _URC_END_OF_STACK;
    }
    walk->last.ip = _Unwind_GetIP(context);
    walk->frames[walk->count++] = (void *)walk->last.ip;
#if defined(__x86_64__)
    walk->last.registers[PE_RSP] = _Unwind_GetCFA(context);
    walk->last.registers[PE_RBP] = _Unwind_GetGR(context, 6);
#endif
    return _URC_NO_REASON;
}

/** A word of this process's stack; asked of the system, because a broken stack may lead anywhere.
 *  */
static bool read_word(uint64_t address, uint64_t *value)
{
    struct iovec to = {value, sizeof *value}, from = {(void *)address, sizeof *value};

    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)sizeof *value;
}

/** From a frame of the host to its caller's: the host is built with frame pointers. */
static bool walk_host(struct pe_frame *frame)
{
    uint64_t at = frame->registers[PE_RBP];

    if (at < frame->registers[PE_RSP] || at % 8 != 0 || !read_word(at + 8, &frame->ip)) {
        return false;
    }
    frame->registers[PE_RSP] = at + 16;
    return read_word(at, &frame->registers[PE_RBP]) && frame->ip != 0;
}

/** The compiler's unwinder stops at the first frame of a .sys; from there on by that image's own
 *  tables. */
static void walk_stack(struct walk *walk)
{
    memset(walk, 0, sizeof *walk);
    _Unwind_Backtrace(walk_step, walk);
    if (walk->count == 0 || !image_unwind(&walk->last, read_word)) {
        return;
    }
    do {
        if (walk->count == FRAMES) {
            return;
        }
        walk->frames[walk->count++] = (void *)walk->last.ip;
    } while (image_unwind(&walk->last, read_word) || walk_host(&walk->last));
}

/** Frames that say nothing: those of the verifier, and the entry of a routine. */
static bool boring(const char *name)
{
    return strncmp(name, "verifier_", 9) == 0 || strcmp(name, "nt_routine_watched") == 0;
}

void report_stack(struct report_text *report, const void *from, bool exact, char *where,
                  size_t length)
{
    static struct walk walk; /* Only one report is ever made. */
    void **frames = walk.frames;
    int count, first = 0;
    char name[160] = "";

    walk_stack(&walk);
    count = walk.count;
    for (int i = 0; i < count; i++) {
        if (frames[i] == from) {
            first = i;
            break;
        }
    }
    report_add(report, "  stack (driver code is marked >)\n");
    for (int i = first; i < count && frames[i] != NULL && strcmp(name, "main") != 0; i++) {
        /* A return address is that of the next instruction, perhaps the next function's. */
        const void *address = (const char *)frames[i] - (exact && i == first ? 0 : 1);
        bool driver = image_contains(address, NULL) != NULL;

        verifier_function_name(address, name, sizeof name);
        if (boring(name)) {
            continue;
        }
        report_add(report, "  %c %s\n", driver ? '>' : ' ', name);
        if (driver && where[0] == '\0') {
            snprintf(where, length, "%s", name);
        }
    }
}
