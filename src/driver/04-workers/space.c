/**
 * \file
 * The space under a thin disk: giving it back, and asking where there is some.
 *
 * A file that is marked sparse, as a thin disk's is when it is connected, can have holes:
 * ranges that take no space and read as zeros, which is just what a deallocated block of a thin disk
 * is (SBC-3 4.7.3.2). FSCTL_SET_ZERO_DATA makes them. NTFS gives whole units of 64 KiB back and writes
 * zeros into the rest, so blocks always read as zeros afterwards. FSCTL_FILE_LEVEL_TRIM would not do:
 * it tells the device below that data are not needed any more, and leaves the file as it is.
 */
#include "04-workers/queue.h"

_Use_decl_annotations_ VOID VminiSpaceMakeSparse(PVMINI_WORK_ITEM Item)
{
    VMINI_IO Io = {.Major = IRP_MJ_FILE_SYSTEM_CONTROL, .Code = FSCTL_SET_SPARSE};
    ULONG_PTR Moved;

    Item->Media = Item->Open->Media;
    Item->Status = VminiIoWait(Item, &Io, &Moved);
    if (!NT_SUCCESS(Item->Status)) {
        (VOID) VminiMediaClose(Item->Media); /* Nothing was written to it. */
        Item->Open->Media = NULL;
    }
    Item->Media = NULL;
}

/** Zeroes one range. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiSpaceZero(_Inout_ PVMINI_WORK_ITEM Item,
                               _In_ PFILE_ZERO_DATA_INFORMATION Range)
{
    VMINI_IO Io = {.Major = IRP_MJ_FILE_SYSTEM_CONTROL,
                   .Code = FSCTL_SET_ZERO_DATA,
                   .Input = Range,
                   .InputLength = sizeof(*Range)};
    ULONG_PTR Moved;

    return VminiIoWait(Item, &Io, &Moved);
}

/** Does the file system not know the control at all? FASTFAT says the first, a server may say the
 *  other. */
static BOOLEAN VminiSpaceCannot(_In_ NTSTATUS Status)
{
    return Status == STATUS_INVALID_DEVICE_REQUEST || Status == STATUS_NOT_SUPPORTED;
}

_Use_decl_annotations_ VOID VminiIoZero(PVMINI_WORK_ITEM Item)
{
    PFILE_ZERO_DATA_INFORMATION Ranges = (PFILE_ZERO_DATA_INFORMATION)(PVOID)Item->Buffer;
    ULONG Count = Item->Size / (ULONG)sizeof(*Ranges);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Index;

    Item->Writing = TRUE;
    for (Index = 0; Index < Count && NT_SUCCESS(Status); Index++) {
        Status = VminiSpaceZero(Item, &Ranges[Index]);
    }
    if (Item->Length != 0 && VminiSpaceCannot(Status)) {
        VminiIoWriteZeros(Item);
        return;
    }
    Item->Status = Status;
    Item->Information = NT_SUCCESS(Status) ? Item->Length : 0;
    VminiIoEnd(Item);
}

_Use_decl_annotations_ VOID VminiIoAllocated(PVMINI_WORK_ITEM Item)
{
    PFILE_ALLOCATED_RANGE_BUFFER Ranges = (PFILE_ALLOCATED_RANGE_BUFFER)(PVOID)Item->Buffer;
    VMINI_IO Io = {.Major = IRP_MJ_FILE_SYSTEM_CONTROL,
                   .Code = FSCTL_QUERY_ALLOCATED_RANGES,
                   .Input = &Ranges[0],
                   .InputLength = sizeof(Ranges[0]),
                   .Output = &Ranges[1],
                   .OutputLength = Item->Size - (ULONG)sizeof(Ranges[0])};

    Item->Status = VminiIoWait(Item, &Io, &Item->Information);
    if (Item->Status == STATUS_BUFFER_OVERFLOW) {
        Item->Status = STATUS_SUCCESS; /* There are more ranges than room: these are the first. */
    }
    VminiWorkRelease(Item);
}
