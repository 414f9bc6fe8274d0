/*
 * Where the functions of a Windows image are, and how to get from a frame to its caller's: the
 * tables that every x64 compiler writes for the kernel's own exception dispatching (sections .pdata
 * and .xdata), and the COFF symbols for names. (Microsoft: x64 exception handling, "Unwind
 * procedure") Only calls are unwound, so epilogues do not matter.
 */
#include <string.h>

#include "image/pe.h"

#define SYMBOL_BYTES    18
#define SYMBOL_FUNCTION 0x20
#define CHAINED         4 /* UNW_FLAG_CHAININFO */

enum unwind_operation {
    PUSH_NONVOL,
    ALLOC_LARGE,
    ALLOC_SMALL,
    SET_FPREG,
    SAVE_NONVOL,
    SAVE_NONVOL_FAR,
    SAVE_XMM128 = 8,
    SAVE_XMM128_FAR,
};

static unsigned u16(const unsigned char *at)
{
    return (unsigned)(at[0] | at[1] << 8);
}

static uint32_t u32(const unsigned char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

bool pe_function_at(const struct pe *pe, uint32_t rva, struct pe_function *out)
{
    uint32_t low = 0, high = pe->directory[PE_EXCEPTIONS].size / sizeof *out;

    while (low < high) { /* The table is sorted. */
        uint32_t middle = low + (high - low) / 2;
        const void *row = pe_at(
            pe, pe->directory[PE_EXCEPTIONS].rva + middle * (uint32_t)sizeof *out, sizeof *out);

        if (row == NULL) {
            return false;
        }
        memcpy(out, row, sizeof *out);
        if (rva >= out->begin && rva < out->end) {
            return true;
        }
        if (rva < out->begin) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

/** Copies a symbol's name: eight bytes, or a place in the string table behind the symbols. */
static void copy_name(const struct pe *pe, const unsigned char *symbol, char *buffer, size_t length)
{
    size_t strings = pe->symbols + (size_t)pe->symbol_count * SYMBOL_BYTES, at, i = 0;
    const char *text = (const char *)symbol;
    size_t room = 8;

    if (u32(symbol) == 0) {
        at = strings + u32(symbol + 4);
        room = at < pe->file.size ? pe->file.size - at : 0;
        text = (const char *)pe->file.data + at;
    }
    for (; i < room && i + 1 < length && text[i] != '\0'; i++) {
        buffer[i] = text[i];
    }
    buffer[i] = '\0';
}

/** Does a section hold an RVA? */
static bool holds(const struct pe_section *section, uint32_t rva)
{
    return rva >= section->rva && rva - section->rva < pe_section_pages(section);
}

bool pe_function_name(const struct pe *pe, uint32_t rva, char *buffer, size_t length)
{
    const unsigned char *table = pe->file.data + pe->symbols, *best = NULL;
    uint32_t best_rva = 0;

    for (uint64_t i = 0; i < pe->symbol_count; i += 1u + table[i * SYMBOL_BYTES + 17]) {
        const unsigned char *symbol = table + i * SYMBOL_BYTES;
        unsigned section_number = u16(symbol + 12);
        struct pe_section section;
        uint32_t start;

        if (u16(symbol + 14) != SYMBOL_FUNCTION || section_number == 0 ||
            section_number > pe->section_count) {
            continue;
        }
        section = pe_section(pe, section_number - 1);
        start = section.rva + u32(symbol + 8);
        if (holds(&section, rva) && start <= rva && (best == NULL || start > best_rva)) {
            best = symbol;
            best_rva = start;
        }
    }
    if (best == NULL || length == 0) {
        return false;
    }
    copy_name(pe, best, buffer, length);
    return buffer[0] != '\0';
}

/* --- unwinding --- */

/** One UNWIND_INFO: what the prologue did, last things first. */
struct unwind_info {
    const unsigned char
        *codes; /**< Pairs: offset in the prologue; operation (low 4 bits) and its information. */
    unsigned count;          /**< Of 16-bit slots. */
    unsigned frame_register; /**< 0 = none. */
    unsigned frame_offset;
    struct pe_function chained; /**< unwind = 0: none. */
};

static bool read_info(const struct pe *pe, uint32_t rva, struct unwind_info *info)
{
    const unsigned char *head = pe_at(pe, rva, 4), *chained;

    if (head == NULL || (head[0] & 7) != 1) {
        return false;
    }
    info->count = head[2];
    info->frame_register = head[3] & 15;
    info->frame_offset = 16u * (head[3] >> 4);
    info->codes = pe_at(pe, rva + 4, info->count * 2);
    info->chained.unwind = 0;
    if ((head[0] >> 3 & CHAINED) != 0) {
        chained = pe_at(pe, rva + 4 + ((info->count + 1) & ~1u) * 2, sizeof info->chained);
        if (chained == NULL) {
            return false;
        }
        memcpy(&info->chained, chained, sizeof info->chained);
    }
    return info->count == 0 || info->codes != NULL;
}

/** Slots that an operation takes. 0 = not known here. */
static unsigned slots(unsigned operation, unsigned information)
{
    switch (operation) {
    case PUSH_NONVOL:
    case ALLOC_SMALL:
    case SET_FPREG:
        return 1;
    case ALLOC_LARGE:
        return information == 0 ? 2 : 3;
    case SAVE_NONVOL:
    case SAVE_XMM128:
        return 2;
    case SAVE_NONVOL_FAR:
    case SAVE_XMM128_FAR:
        return 3;
    default:
        return 0;
    }
}

/** Takes back what one operation did. \param at its slots. \param saved where saved registers are
 *  counted from. */
static bool undo(const unsigned char *at, const struct unwind_info *info, uint64_t saved,
                 struct pe_frame *frame, bool (*read)(uint64_t address, uint64_t *value))
{
    uint64_t *registers = frame->registers;
    unsigned information = at[1] >> 4;

    switch (at[1] & 15) {
    case PUSH_NONVOL:
        registers[PE_RSP] += 8;
        return read(registers[PE_RSP] - 8, &registers[information]);
    case ALLOC_SMALL:
        registers[PE_RSP] += information * 8 + 8;
        return true;
    case ALLOC_LARGE:
        registers[PE_RSP] += information == 0 ? u16(at + 2) * 8u : u32(at + 2);
        return true;
    case SET_FPREG:
        registers[PE_RSP] = registers[info->frame_register] - info->frame_offset;
        return true;
    case SAVE_NONVOL:
        return read(saved + u16(at + 2) * 8u, &registers[information]);
    case SAVE_NONVOL_FAR:
        return read(saved + u32(at + 2), &registers[information]);
    default:
        return true; /* XMM registers are not needed. */
    }
}

/** Where saved registers are counted from: the frame register once the prologue has set it. */
static uint64_t saved_base(const struct unwind_info *info, uint32_t done,
                           const struct pe_frame *frame)
{
    for (unsigned i = 0; i < info->count; i++) {
        const unsigned char *at = info->codes + 2 * i;
        unsigned width = slots(at[1] & 15, at[1] >> 4);

        if ((at[1] & 15) == SET_FPREG && at[0] <= done) {
            return frame->registers[info->frame_register] - info->frame_offset;
        }
        i += width == 0 ? 0 : width - 1;
    }
    return frame->registers[PE_RSP];
}

/** Takes back the part of the prologue that has run. \param done bytes of the prologue. */
static bool undo_prologue(const struct unwind_info *info, uint32_t done, struct pe_frame *frame,
                          bool (*read)(uint64_t address, uint64_t *value))
{
    uint64_t saved = saved_base(info, done, frame);
    unsigned width;

    for (unsigned i = 0; i < info->count; i += width) {
        const unsigned char *at = info->codes + 2 * i;

        width = slots(at[1] & 15, at[1] >> 4);
        if (width == 0 || width > info->count - i) {
            return false;
        }
        if (at[0] <= done && !undo(at, info, saved, frame, read)) {
            return false;
        }
    }
    return true;
}

bool pe_unwind(const struct pe *pe, uint64_t base, struct pe_frame *frame,
               bool (*read)(uint64_t address, uint64_t *value))
{
    struct pe_function function;
    struct unwind_info info;
    uint32_t rva = (uint32_t)(frame->ip - base), done = 0;

    /* A return address may be the next function's first byte, when the call was the last thing of
     * its own. */
    if (pe_function_at(pe, rva - 1, &function) || pe_function_at(pe, rva, &function)) {
        done = rva - function.begin;
        for (unsigned depth = 0; function.unwind != 0; depth++) {
            if (depth == 8 || !read_info(pe, function.unwind, &info) ||
                !undo_prologue(&info, done, frame, read)) {
                return false;
            }
            function = info.chained;
            done = UINT32_MAX;
        }
    }
    frame->registers[PE_RSP] += 8;
    return read(frame->registers[PE_RSP] - 8, &frame->ip);
}
