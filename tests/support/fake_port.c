/**
 * \file
 * See fake_port.h. Implements the imports of chapters 3 and 6, and nothing else: a handler that
 * calls more does not link.
 */
#include "support/fake_port.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STRIP 64u

/** A stretch of memory with an unreadable page behind it. */
typedef struct arena {
    UCHAR *base;
    size_t size;
    UCHAR *used; /**< Where the buffer handed out last begins; it ends at base + size. */
} arena_t;

struct fake_port fake_port;
VMINI_ADAPTER fake_adapter;
VMINI_CONFIG VminiConfig;

static arena_t data_arena, sense_arena, srb_arena;
static struct {
    MDL mdl;
    PFN_NUMBER pages[FAKE_DATA_MAXIMUM / PAGE_SIZE + 2];
} mdl_storage;

static void arena_open(arena_t *arena, size_t size)
{
    if (arena->base != NULL) {
        return;
    }
    arena->size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    arena->base = mmap(NULL, arena->size + PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena->base == MAP_FAILED ||
        mprotect(arena->base + arena->size, PAGE_SIZE, PROT_NONE) != 0) {
        perror("fake_port: no memory for a guarded buffer");
        abort();
    }
}

/**
 * Hands out the last `length` bytes before the guard, poisoned, with a poisoned strip before them.
 */
static UCHAR *arena_take(arena_t *arena, size_t length)
{
    if (length + STRIP > arena->size) {
        fprintf(stderr, "fake_port: a buffer of %zu bytes is more than FAKE_DATA_MAXIMUM\n",
                length);
        abort();
    }
    arena->used = arena->base + arena->size - length;
    memset(arena->used - STRIP, FAKE_POISON, length + STRIP);
    return arena->used;
}

static void arena_protect(arena_t *arena, int how)
{
    if (mprotect(arena->base, arena->size, how) != 0) {
        perror("fake_port: mprotect");
        abort();
    }
}

void fake_port_reset(void)
{
    memset(&fake_port, 0, sizeof(fake_port));
    memset(&fake_adapter, 0, sizeof(fake_adapter));
    arena_open(&data_arena, FAKE_DATA_MAXIMUM + PAGE_SIZE);
    arena_open(&sense_arena, 256);
    arena_open(&srb_arena, 512);
}

void fake_srb_init(fake_srb_t *fake, const UCHAR *cdb, size_t cdb_length, ULONG data_length)
{
    memset(fake, 0, sizeof(*fake));
    memcpy(fake->cdb, cdb, cdb_length < sizeof(fake->cdb) ? cdb_length : sizeof(fake->cdb));
    fake->cdb_length = (UCHAR)cdb_length;
    fake->data_length = data_length;
    fake->sense_length = sizeof(SENSE_DATA);
}

static void build_legacy(fake_srb_t *fake)
{
    SCSI_REQUEST_BLOCK *srb = (void *)arena_take(&srb_arena, sizeof(*srb));

    memset(srb, 0, sizeof(*srb));
    srb->Length = sizeof(*srb);
    srb->Function = SRB_FUNCTION_EXECUTE_SCSI;
    srb->CdbLength = fake->cdb_length;
    srb->SenseInfoBufferLength = fake->sense_length;
    srb->SenseInfoBuffer = fake->no_sense ? NULL : fake->sense;
    srb->SrbFlags = fake->flags;
    srb->DataTransferLength = fake->data_length;
    srb->DataBuffer = fake->no_data_buffer ? NULL : fake->data;
    srb->SrbExtension = fake->extension;
    memcpy(srb->Cdb, fake->cdb, sizeof(srb->Cdb));
    fake->srb = srb;
}

/** As classpnp lays it out: header, address, one data block. */
typedef struct extended_srb {
    STORAGE_REQUEST_BLOCK header;
    STOR_ADDR_BTL8 address;
    SRBEX_DATA_SCSI_CDB16 scsi;
} extended_srb_t;

static void build_extended(fake_srb_t *fake)
{
    extended_srb_t *srb = (void *)arena_take(&srb_arena, sizeof(*srb));

    memset(srb, 0, sizeof(*srb));
    srb->header.Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);
    srb->header.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
    srb->header.Signature = SRB_SIGNATURE;
    srb->header.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
    srb->header.SrbLength = sizeof(*srb);
    srb->header.SrbFunction = SRB_FUNCTION_EXECUTE_SCSI;
    srb->header.SrbFlags = fake->flags;
    srb->header.AddressOffset = offsetof(extended_srb_t, address);
    srb->header.NumSrbExData = 1;
    srb->header.SrbExDataOffset[0] = offsetof(extended_srb_t, scsi);
    srb->header.DataTransferLength = fake->data_length;
    srb->header.DataBuffer = fake->no_data_buffer ? NULL : fake->data;
    srb->header.MiniportContext = fake->extension;
    srb->address.Type = STOR_ADDRESS_TYPE_BTL8;
    srb->address.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
    srb->scsi.Type = SrbExDataTypeScsiCdb16;
    srb->scsi.Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
    srb->scsi.CdbLength = fake->cdb_length;
    srb->scsi.SenseInfoBufferLength = fake->sense_length;
    srb->scsi.SenseInfoBuffer = fake->no_sense ? NULL : fake->sense;
    memcpy(srb->scsi.Cdb, fake->cdb, sizeof(srb->scsi.Cdb));
    fake->srb = (PSCSI_REQUEST_BLOCK)srb;
}

void fake_build(fake_srb_t *fake)
{
    arena_protect(&srb_arena, PROT_READ | PROT_WRITE);
    fake->data = arena_take(&data_arena, fake->data_length);
    fake->sense = arena_take(&sense_arena, fake->sense_length);
    fake->completions = 0;
    if (fake->form == FAKE_LEGACY) {
        build_legacy(fake);
    } else {
        build_extended(fake);
    }
    MmInitializeMdl(&mdl_storage.mdl, fake->data - fake->mdl_skip,
                    fake->mdl_skip + fake->data_length - fake->mdl_missing);
    fake_port.current = fake;
}

PMDL fake_mdl(void)
{
    return &mdl_storage.mdl;
}

bool fake_all(const UCHAR *bytes, size_t length, UCHAR value)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

bool fake_guards_hold(void)
{
    return fake_all(data_arena.used - STRIP, STRIP, FAKE_POISON) &&
           fake_all(sense_arena.used - STRIP, STRIP, FAKE_POISON);
}

ULONGLONG fake_random(ULONGLONG *state)
{
    ULONGLONG z = *state += 0x9E3779B97F4A7C15ull;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/* ---- What the driver imports ---- */

VOID NTAPI StorPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension,
                                ...)
{
    __builtin_ms_va_list arguments;
    PSCSI_REQUEST_BLOCK srb;
    fake_srb_t *fake = fake_port.current;

    __builtin_ms_va_start(arguments, HwDeviceExtension);
    srb = __builtin_va_arg(arguments, PSCSI_REQUEST_BLOCK);
    __builtin_ms_va_end(arguments);
    if (NotificationType != RequestComplete || HwDeviceExtension != &fake_adapter ||
        srb != fake->srb) {
        fake_port.strangers++;
        return;
    }
    fake->completions++;
    fake->srb_status = SrbGetSrbStatus(srb);
    fake->scsi_status = SrbGetScsiStatus(srb);
    fake->moved = SrbGetDataTransferLength(srb);
    fake->sense_written = SrbGetSenseInfoBufferLength(srb);
    arena_protect(&srb_arena, PROT_NONE); /* Storport's now. */
}

/** The two questions that chapters 3 and 6 ask. */
ULONG NTAPI StorPortExtendedFunction(STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension,
                                     ...)
{
    __builtin_ms_va_list arguments;
    PSCSI_REQUEST_BLOCK srb;
    PVOID *result;

    __builtin_ms_va_start(arguments, HwDeviceExtension);
    srb = __builtin_va_arg(arguments, PSCSI_REQUEST_BLOCK);
    result = __builtin_va_arg(arguments, PVOID *);
    __builtin_ms_va_end(arguments);
    if (srb != fake_port.current->srb) {
        fake_port.strangers++;
        return STOR_STATUS_INVALID_PARAMETER;
    }
    switch (FunctionCode) {
    case ExtFunctionGetSystemAddress:
        fake_port.mappings++;
        *result = fake_port.current->data;
        return fake_port.fail_mapping ? STOR_STATUS_INSUFFICIENT_RESOURCES : STOR_STATUS_SUCCESS;
    case ExtFunctionGetOriginalMdl:
        *result = &mdl_storage.mdl;
        return fake_port.fail_mdl ? STOR_STATUS_INVALID_PARAMETER : STOR_STATUS_SUCCESS;
    default:
        fake_port.strangers++;
        return STOR_STATUS_NOT_IMPLEMENTED;
    }
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    if (PoolType != NonPagedPoolNx || Tag != VMINI_TAG_SCSI) {
        fake_port.strangers++;
    }
    if (fake_port.fail_pool) {
        return NULL;
    }
    fake_port.pool_blocks++;
    return malloc(NumberOfBytes);
}

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    if (Tag != VMINI_TAG_SCSI) {
        fake_port.strangers++;
    }
    fake_port.pool_blocks--;
    free(P);
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    return SourceCharacter >= 'a' && SourceCharacter <= 'z' ? (WCHAR)(SourceCharacter - 'a' + 'A')
                                                            : SourceCharacter;
}

KIRQL NTAPI KeGetCurrentIrql(VOID)
{
    return DISPATCH_LEVEL;
}

VOID VminiTraceWrite(PVMINI_ADAPTER Adapter, UCHAR Level, ULONG Flag, PCWSTR Text, PCWSTR Name1,
                     ULONGLONG Value1, PCWSTR Name2, ULONGLONG Value2)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Level);
    UNREFERENCED_PARAMETER(Flag);
    UNREFERENCED_PARAMETER(Text);
    UNREFERENCED_PARAMETER(Name1);
    UNREFERENCED_PARAMETER(Value1);
    UNREFERENCED_PARAMETER(Name2);
    UNREFERENCED_PARAMETER(Value2);
}

SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    const UCHAR *one = Source1, *other = Source2;
    SIZE_T equal = 0;

    while (equal < Length && one[equal] == other[equal]) {
        equal++;
    }
    return equal;
}
