/**
 * \file
 * Reads and writes an SRB whichever of its two forms it has.
 *
 * A driver that uses these inlines and no field of an SRB works with either form. In an extended
 * SRB the command lives in a data block at an offset: an offset that does not lie behind the
 * header and before SrbLength is not followed; a getter then answers NULL or zero (an address:
 * SP_UNTAGGED) and a setter does nothing. Callable at any IRQL; nothing here takes a lock.
 *
 * The names are the WDK's, except the last three (SrbGetPnPInfo, SrbGetPowerInfo, SrbGetWmiData):
 * the WDK leaves those to each driver. The text is our own.
 */
#ifndef _SRBHELPER_H_
#define _SRBHELPER_H_

#include "scsi.h"
#include "srb.h"

/* gcc, seeing where an SRB was allocated, takes the branch for the other form for an overrun. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif

/** Is it the extended form? */
FORCEINLINE BOOLEAN SrbHelperIsExtended(_In_ const VOID *Srb)
{
    return ((const STORAGE_REQUEST_BLOCK_HEADER *)Srb)->Function ==
           SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
}

/** May this offset into an extended SRB be followed? */
FORCEINLINE BOOLEAN SrbHelperIsOffset(_In_ const STORAGE_REQUEST_BLOCK *Srb, _In_ ULONG Offset)
{
    return Offset >= sizeof(STORAGE_REQUEST_BLOCK) && Offset < Srb->SrbLength;
}

/** \return the address of an extended SRB, or NULL. */
FORCEINLINE PSTOR_ADDRESS SrbGetAddress(_In_ PSTORAGE_REQUEST_BLOCK Srb)
{
    if (Srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK ||
        !SrbHelperIsOffset(Srb, Srb->AddressOffset)) {
        return NULL;
    }
    return (PSTOR_ADDRESS)(PVOID)((PUCHAR)Srb + Srb->AddressOffset);
}

/** \return data block number Index of an extended SRB, or NULL. */
FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByIndex(_In_ PSTORAGE_REQUEST_BLOCK Srb, _In_ ULONG Index)
{
    const ULONG *Offsets = Srb->SrbExDataOffset;

    if (Srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK || Index >= Srb->NumSrbExData ||
        !SrbHelperIsOffset(Srb, Offsets[Index])) {
        return NULL;
    }
    return (PSRBEX_DATA)(PVOID)((PUCHAR)Srb + Offsets[Index]);
}

/** \return the first data block of that type, or NULL (always, for a legacy SRB). */
FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByType(_In_ PSTORAGE_REQUEST_BLOCK Srb,
                                              _In_ SRBEXDATATYPE Type)
{
    ULONG Index;

    if (Srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK) {
        return NULL;
    }
    for (Index = 0; Index < Srb->NumSrbExData; Index++) {
        PSRBEX_DATA Data = SrbGetSrbExDataByIndex(Srb, Index);

        if (Data != NULL && Data->Type == Type) {
            return Data;
        }
    }
    return NULL;
}

/** \return what is asked: SRB_FUNCTION_*, never SRB_FUNCTION_STORAGE_REQUEST_BLOCK. */
FORCEINLINE ULONG SrbGetSrbFunction(_In_ const VOID *Srb)
{
    return SrbHelperIsExtended(Srb) ? ((const STORAGE_REQUEST_BLOCK *)Srb)->SrbFunction
                                    : ((const SCSI_REQUEST_BLOCK *)Srb)->Function;
}

/** \return bytes of the whole block. */
FORCEINLINE ULONG SrbGetSrbLength(_In_ const VOID *Srb)
{
    return SrbHelperIsExtended(Srb) ? ((const STORAGE_REQUEST_BLOCK *)Srb)->SrbLength
                                    : (ULONG)sizeof(SCSI_REQUEST_BLOCK);
}

/** Sets the bytes of an extended block; a legacy one has only one length. */
FORCEINLINE VOID SrbSetSrbLength(_Inout_ PVOID Srb, _In_ ULONG Length)
{
    if (SrbHelperIsExtended(Srb)) {
        ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength = Length;
    } else {
        ((PSCSI_REQUEST_BLOCK)Srb)->Length = (USHORT)Length;
    }
}

/** Zeroes a block but for its form: Function, Length, SrbLength. */
FORCEINLINE VOID SrbZeroSrb(_Inout_ PVOID Srb)
{
    PSTORAGE_REQUEST_BLOCK_HEADER Header = (PSTORAGE_REQUEST_BLOCK_HEADER)Srb;
    UCHAR Function = Header->Function;
    USHORT Length = Header->Length;
    ULONG SrbLength = SrbGetSrbLength(Srb);

    RtlZeroMemory(Srb, SrbLength);
    Header->Function = Function;
    Header->Length = Length;
    if (SrbHelperIsExtended(Srb)) {
        ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength = SrbLength;
    }
}

/** Copies a block of either form. \return FALSE, nothing copied: it does not fit. */
FORCEINLINE BOOLEAN SrbCopySrb(_Out_writes_bytes_(DestinationSrbLength) PVOID DestinationSrb,
                               _In_ ULONG DestinationSrbLength, _In_ const VOID *SourceSrb)
{
    ULONG Length = SrbGetSrbLength(SourceSrb);

    if (DestinationSrbLength < Length) {
        return FALSE;
    }
    RtlCopyMemory(DestinationSrb, SourceSrb, Length);
    return TRUE;
}

/**
 * The address in one go. \return FALSE, and SP_UNTAGGED everywhere: there is no address that a
 * miniport could understand. (The WDK's has no return value.)
 */
FORCEINLINE BOOLEAN SrbGetPathTargetLun(_In_ const VOID *Srb, _Out_opt_ PUCHAR PathId,
                                        _Out_opt_ PUCHAR TargetId, _Out_opt_ PUCHAR Lun)
{
    UCHAR Path = SP_UNTAGGED, Target = SP_UNTAGGED, Unit = SP_UNTAGGED;
    BOOLEAN Known = FALSE;

    if (SrbHelperIsExtended(Srb)) {
        const STOR_ADDR_BTL8 *Address =
            (const STOR_ADDR_BTL8 *)SrbGetAddress((PSTORAGE_REQUEST_BLOCK)(ULONG_PTR)Srb);

        if (Address != NULL && Address->Type == STOR_ADDRESS_TYPE_BTL8) {
            Path = Address->Path;
            Target = Address->Target;
            Unit = Address->Lun;
            Known = TRUE;
        }
    } else {
        Path = ((const SCSI_REQUEST_BLOCK *)Srb)->PathId;
        Target = ((const SCSI_REQUEST_BLOCK *)Srb)->TargetId;
        Unit = ((const SCSI_REQUEST_BLOCK *)Srb)->Lun;
        Known = TRUE;
    }
    if (PathId != NULL) {
        *PathId = Path;
    }
    if (TargetId != NULL) {
        *TargetId = Target;
    }
    if (Lun != NULL) {
        *Lun = Unit;
    }
    return Known;
}

/** \return the path, or SP_UNTAGGED. */
FORCEINLINE UCHAR SrbGetPathId(_In_ const VOID *Srb)
{
    UCHAR PathId;

    (VOID) SrbGetPathTargetLun(Srb, &PathId, NULL, NULL);
    return PathId;
}

/** \return the target, or SP_UNTAGGED. */
FORCEINLINE UCHAR SrbGetTargetId(_In_ const VOID *Srb)
{
    UCHAR TargetId;

    (VOID) SrbGetPathTargetLun(Srb, NULL, &TargetId, NULL);
    return TargetId;
}

/** \return the logical unit, or SP_UNTAGGED. */
FORCEINLINE UCHAR SrbGetLun(_In_ const VOID *Srb)
{
    UCHAR Lun;

    (VOID) SrbGetPathTargetLun(Srb, NULL, NULL, &Lun);
    return Lun;
}

/* ---- Fields that both forms have. Getter and setter: type and name, then field and its type in
 * the old form, field and its type in the extended one. ---- */

#define SRBHELPER_FIELD(Type, Name, OldField, OldType, NewField, NewType)                          \
    FORCEINLINE Type SrbGet##Name(_In_ const VOID *Srb)                                            \
    {                                                                                              \
        return SrbHelperIsExtended(Srb) ? (Type)((const STORAGE_REQUEST_BLOCK *)Srb)->NewField     \
                                        : (Type)((const SCSI_REQUEST_BLOCK *)Srb)->OldField;       \
    }                                                                                              \
    FORCEINLINE VOID SrbSet##Name(_Inout_ PVOID Srb, _In_ Type Value)                              \
    {                                                                                              \
        if (SrbHelperIsExtended(Srb)) {                                                            \
            ((PSTORAGE_REQUEST_BLOCK)Srb)->NewField = (NewType)Value;                              \
        } else {                                                                                   \
            ((PSCSI_REQUEST_BLOCK)Srb)->OldField = (OldType)Value;                                 \
        }                                                                                          \
    }

SRBHELPER_FIELD(UCHAR, SrbStatus, SrbStatus, UCHAR, SrbStatus, UCHAR)
SRBHELPER_FIELD(PVOID, DataBuffer, DataBuffer, PVOID, DataBuffer, PVOID)
SRBHELPER_FIELD(ULONG, DataTransferLength, DataTransferLength, ULONG, DataTransferLength, ULONG)
SRBHELPER_FIELD(ULONG, TimeOutValue, TimeOutValue, ULONG, TimeOutValue, ULONG)
SRBHELPER_FIELD(PVOID, OriginalRequest, OriginalRequest, PVOID, OriginalRequest, PVOID)
SRBHELPER_FIELD(PVOID, NextSrb, NextSrb, struct _SCSI_REQUEST_BLOCK *, NextSrb,
                struct _STORAGE_REQUEST_BLOCK *)
/** The SRB extension: SrbExtensionSize bytes of the miniport's. */
SRBHELPER_FIELD(PVOID, MiniportContext, SrbExtension, PVOID, MiniportContext, PVOID)
SRBHELPER_FIELD(ULONG, RequestTag, QueueTag, UCHAR, RequestTag, ULONG)
SRBHELPER_FIELD(UCHAR, RequestAttribute, QueueAction, UCHAR, RequestAttribute, USHORT)
/** An NTSTATUS, with SRB_STATUS_INTERNAL_ERROR. */
SRBHELPER_FIELD(ULONG, SystemStatus, InternalStatus, ULONG, SystemStatus, ULONG)

#undef SRBHELPER_FIELD

/** \return SRB_FLAGS_*. */
FORCEINLINE ULONG SrbGetSrbFlags(_In_ const VOID *Srb)
{
    return SrbHelperIsExtended(Srb) ? ((const STORAGE_REQUEST_BLOCK *)Srb)->SrbFlags
                                    : ((const SCSI_REQUEST_BLOCK *)Srb)->SrbFlags;
}

/** The flags become these. */
FORCEINLINE VOID SrbAssignSrbFlags(_Inout_ PVOID Srb, _In_ ULONG Flags)
{
    if (SrbHelperIsExtended(Srb)) {
        ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbFlags = Flags;
    } else {
        ((PSCSI_REQUEST_BLOCK)Srb)->SrbFlags = Flags;
    }
}

/** These flags are added. */
FORCEINLINE VOID SrbSetSrbFlags(_Inout_ PVOID Srb, _In_ ULONG Flags)
{
    SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) | Flags);
}

/** These flags are taken away. */
FORCEINLINE VOID SrbClearSrbFlags(_Inout_ PVOID Srb, _In_ ULONG Flags)
{
    SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) & ~Flags);
}

/** \return the class driver's context; a legacy SRB has none. */
FORCEINLINE PVOID SrbGetClassContext(_In_ const VOID *Srb)
{
    return SrbHelperIsExtended(Srb) ? ((const STORAGE_REQUEST_BLOCK *)Srb)->ClassContext : NULL;
}

/** \return the port driver's context; a legacy SRB has none. */
FORCEINLINE PVOID SrbGetPortContext(_In_ const VOID *Srb)
{
    return SrbHelperIsExtended(Srb) ? ((const STORAGE_REQUEST_BLOCK *)Srb)->PortContext : NULL;
}

/* ---- The SCSI part: where the two forms differ most ---- */

/** Where the pieces of a SCSI command are; NULL pointers where there is none. */
typedef struct _SRBHELPER_SCSI {
    PCDB Cdb;
    PUCHAR CdbLength8;  /* length of a CDB of up to 255 bytes */
    PULONG CdbLength32; /* length of a variable one */
    PUCHAR ScsiStatus;
    PVOID *SenseInfoBuffer;
    PUCHAR SenseInfoBufferLength;
} SRBHELPER_SCSI, *PSRBHELPER_SCSI;

/** Finds them. \return FALSE: the SRB carries no SCSI command. */
FORCEINLINE BOOLEAN SrbHelperFindScsi(_In_ PVOID Srb, _Out_ PSRBHELPER_SCSI Scsi)
{
    PSTORAGE_REQUEST_BLOCK Extended = (PSTORAGE_REQUEST_BLOCK)Srb;
    PSCSI_REQUEST_BLOCK Old = (PSCSI_REQUEST_BLOCK)Srb;
    ULONG Index;

    RtlZeroMemory(Scsi, sizeof(*Scsi));
    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_EXECUTE_SCSI) {
        return FALSE;
    }
    if (!SrbHelperIsExtended(Srb)) {
        Scsi->Cdb = (PCDB)Old->Cdb;
        Scsi->CdbLength8 = &Old->CdbLength;
        Scsi->ScsiStatus = &Old->ScsiStatus;
        Scsi->SenseInfoBuffer = &Old->SenseInfoBuffer;
        Scsi->SenseInfoBufferLength = &Old->SenseInfoBufferLength;
        return TRUE;
    }
    for (Index = 0; Index < Extended->NumSrbExData; Index++) {
        PVOID Data = SrbGetSrbExDataByIndex(Extended, Index);

        if (Data == NULL) {
            continue;
        }
        if (((PSRBEX_DATA)Data)->Type == SrbExDataTypeScsiCdbVar) {
            PSRBEX_DATA_SCSI_CDB_VAR Var = (PSRBEX_DATA_SCSI_CDB_VAR)Data;

            Scsi->Cdb = (PCDB)Var->Cdb;
            Scsi->CdbLength32 = &Var->CdbLength;
            Scsi->ScsiStatus = &Var->ScsiStatus;
            Scsi->SenseInfoBuffer = &Var->SenseInfoBuffer;
            Scsi->SenseInfoBufferLength = &Var->SenseInfoBufferLength;
            return TRUE;
        }
        if (((PSRBEX_DATA)Data)->Type == SrbExDataTypeScsiCdb16 ||
            ((PSRBEX_DATA)Data)->Type == SrbExDataTypeScsiCdb32) {
            /* The two differ only in how many bytes Cdb, the last field, has. */
            PSRBEX_DATA_SCSI_CDB16 Fixed = (PSRBEX_DATA_SCSI_CDB16)Data;

            Scsi->Cdb = (PCDB)Fixed->Cdb;
            Scsi->CdbLength8 = &Fixed->CdbLength;
            Scsi->ScsiStatus = &Fixed->ScsiStatus;
            Scsi->SenseInfoBuffer = &Fixed->SenseInfoBuffer;
            Scsi->SenseInfoBufferLength = &Fixed->SenseInfoBufferLength;
            return TRUE;
        }
    }
    return FALSE;
}

/**
 * All of a SCSI command in one go.
 * \param CdbLength8  length of a fixed CDB, 0 for a variable one. \param CdbLength32  the reverse.
 * \param ScsiStatus,SenseInfoBuffer,SenseInfoBufferLength  as they stand. Each may be NULL.
 * \return the CDB, or NULL: the SRB carries no SCSI command, and everything is zero.
 */
FORCEINLINE PVOID SrbGetScsiData(_In_ PVOID Srb, _Out_opt_ PUCHAR CdbLength8,
                                 _Out_opt_ PULONG CdbLength32, _Out_opt_ PUCHAR ScsiStatus,
                                 _Out_opt_ PVOID *SenseInfoBuffer,
                                 _Out_opt_ PUCHAR SenseInfoBufferLength)
{
    SRBHELPER_SCSI Scsi;
    BOOLEAN Found = SrbHelperFindScsi(Srb, &Scsi);

    if (CdbLength8 != NULL) {
        *CdbLength8 = Scsi.CdbLength8 != NULL ? *Scsi.CdbLength8 : 0;
    }
    if (CdbLength32 != NULL) {
        *CdbLength32 = Scsi.CdbLength32 != NULL ? *Scsi.CdbLength32 : 0;
    }
    if (ScsiStatus != NULL) {
        *ScsiStatus = Found ? *Scsi.ScsiStatus : 0;
    }
    if (SenseInfoBuffer != NULL) {
        *SenseInfoBuffer = Found ? *Scsi.SenseInfoBuffer : NULL;
    }
    if (SenseInfoBufferLength != NULL) {
        *SenseInfoBufferLength = Found ? *Scsi.SenseInfoBufferLength : 0;
    }
    return Scsi.Cdb;
}

/** Sets what is not NULL; for CdbLength32 likewise. */
FORCEINLINE VOID SrbSetScsiData(_Inout_ PVOID Srb, _In_opt_ const UCHAR *CdbLength8,
                                _In_opt_ const ULONG *CdbLength32, _In_opt_ const UCHAR *ScsiStatus,
                                _In_opt_ PVOID *SenseInfoBuffer,
                                _In_opt_ const UCHAR *SenseInfoBufferLength)
{
    SRBHELPER_SCSI Scsi;

    if (!SrbHelperFindScsi(Srb, &Scsi)) {
        return;
    }
    if (CdbLength8 != NULL && Scsi.CdbLength8 != NULL) {
        *Scsi.CdbLength8 = *CdbLength8;
    }
    if (CdbLength32 != NULL && Scsi.CdbLength32 != NULL) {
        *Scsi.CdbLength32 = *CdbLength32;
    }
    if (ScsiStatus != NULL) {
        *Scsi.ScsiStatus = *ScsiStatus;
    }
    if (SenseInfoBuffer != NULL) {
        *Scsi.SenseInfoBuffer = *SenseInfoBuffer;
    }
    if (SenseInfoBufferLength != NULL) {
        *Scsi.SenseInfoBufferLength = *SenseInfoBufferLength;
    }
}

/** \return the CDB, or NULL. */
FORCEINLINE PCDB SrbGetCdb(_In_ PVOID Srb)
{
    return (PCDB)SrbGetScsiData(Srb, NULL, NULL, NULL, NULL, NULL);
}

/** \return its length in bytes, or 0. */
FORCEINLINE ULONG SrbGetCdbLength(_In_ PVOID Srb)
{
    UCHAR Length8;
    ULONG Length32;

    (VOID) SrbGetScsiData(Srb, &Length8, &Length32, NULL, NULL, NULL);
    return Length8 != 0 ? Length8 : Length32;
}

/** Sets the length of a fixed CDB. */
FORCEINLINE VOID SrbSetCdbLength(_Inout_ PVOID Srb, _In_ UCHAR CdbLength)
{
    SrbSetScsiData(Srb, &CdbLength, NULL, NULL, NULL, NULL);
}

/** \return SCSISTAT_*. */
FORCEINLINE UCHAR SrbGetScsiStatus(_In_ PVOID Srb)
{
    UCHAR ScsiStatus;

    (VOID) SrbGetScsiData(Srb, NULL, NULL, &ScsiStatus, NULL, NULL);
    return ScsiStatus;
}

/** Sets SCSISTAT_*. */
FORCEINLINE VOID SrbSetScsiStatus(_Inout_ PVOID Srb, _In_ UCHAR ScsiStatus)
{
    SrbSetScsiData(Srb, NULL, NULL, &ScsiStatus, NULL, NULL);
}

/** \return where sense data goes, or NULL. */
FORCEINLINE PVOID SrbGetSenseInfoBuffer(_In_ PVOID Srb)
{
    PVOID SenseInfoBuffer;

    (VOID) SrbGetScsiData(Srb, NULL, NULL, NULL, &SenseInfoBuffer, NULL);
    return SenseInfoBuffer;
}

/** Sets where sense data goes. */
FORCEINLINE VOID SrbSetSenseInfoBuffer(_Inout_ PVOID Srb, _In_opt_ PVOID SenseInfoBuffer)
{
    SrbSetScsiData(Srb, NULL, NULL, NULL, &SenseInfoBuffer, NULL);
}

/** \return how many bytes of it there is room for (before completion), or are (after it). */
FORCEINLINE UCHAR SrbGetSenseInfoBufferLength(_In_ PVOID Srb)
{
    UCHAR Length;

    (VOID) SrbGetScsiData(Srb, NULL, NULL, NULL, NULL, &Length);
    return Length;
}

/** Sets that. */
FORCEINLINE VOID SrbSetSenseInfoBufferLength(_Inout_ PVOID Srb, _In_ UCHAR Length)
{
    SrbSetScsiData(Srb, NULL, NULL, NULL, NULL, &Length);
}

/* ---- Not in the WDK's srbhelper.h ---- */

/** SRB_FUNCTION_PNP. \param Flags  SRB_PNP_FLAGS_*. \param Action  which. \return FALSE: no PNP
 *  SRB, and nothing is written. */
FORCEINLINE BOOLEAN SrbGetPnPInfo(_In_ PVOID Srb, _Out_ PULONG Flags, _Out_ STOR_PNP_ACTION *Action)
{
    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_PNP) {
        return FALSE;
    }
    if (SrbHelperIsExtended(Srb)) {
        PVOID Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypePnP);

        if (Data == NULL) {
            return FALSE;
        }
        *Flags = ((PSRBEX_DATA_PNP)Data)->SrbPnPFlags;
        *Action = ((PSRBEX_DATA_PNP)Data)->PnPAction;
    } else {
        *Flags = ((PSCSI_PNP_REQUEST_BLOCK)Srb)->SrbPnPFlags;
        *Action = ((PSCSI_PNP_REQUEST_BLOCK)Srb)->PnPAction;
    }
    return TRUE;
}

/** SRB_FUNCTION_POWER. \param Flags  SRB_POWER_FLAGS_*. \param State,Action  to what, and why.
 *  \return FALSE: no POWER SRB, and nothing is written. */
FORCEINLINE BOOLEAN SrbGetPowerInfo(_In_ PVOID Srb, _Out_ PUCHAR Flags,
                                    _Out_ STOR_DEVICE_POWER_STATE *State,
                                    _Out_ STOR_POWER_ACTION *Action)
{
    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_POWER) {
        return FALSE;
    }
    if (SrbHelperIsExtended(Srb)) {
        PVOID Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypePower);

        if (Data == NULL) {
            return FALSE;
        }
        *Flags = ((PSRBEX_DATA_POWER)Data)->SrbPowerFlags;
        *State = ((PSRBEX_DATA_POWER)Data)->DevicePowerState;
        *Action = ((PSRBEX_DATA_POWER)Data)->PowerAction;
    } else {
        *Flags = ((PSCSI_POWER_REQUEST_BLOCK)Srb)->SrbPowerFlags;
        *State = ((PSCSI_POWER_REQUEST_BLOCK)Srb)->DevicePowerState;
        *Action = ((PSCSI_POWER_REQUEST_BLOCK)Srb)->PowerAction;
    }
    return TRUE;
}

/** SRB_FUNCTION_WMI. \param SubFunction  the IRP's minor function. \param Flags  SRB_WMI_FLAGS_*.
 *  \param DataPath  of the IRP. \return FALSE: no WMI SRB, and nothing is written. */
FORCEINLINE BOOLEAN SrbGetWmiData(_In_ PVOID Srb, _Out_ PUCHAR SubFunction, _Out_ PUCHAR Flags,
                                  _Out_ PVOID *DataPath)
{
    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_WMI) {
        return FALSE;
    }
    if (SrbHelperIsExtended(Srb)) {
        PVOID Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypeWmi);

        if (Data == NULL) {
            return FALSE;
        }
        *SubFunction = ((PSRBEX_DATA_WMI)Data)->WMISubFunction;
        *Flags = ((PSRBEX_DATA_WMI)Data)->WMIFlags;
        *DataPath = ((PSRBEX_DATA_WMI)Data)->DataPath;
    } else {
        *SubFunction = ((PSCSI_WMI_REQUEST_BLOCK)Srb)->WMISubFunction;
        *Flags = ((PSCSI_WMI_REQUEST_BLOCK)Srb)->WMIFlags;
        *DataPath = ((PSCSI_WMI_REQUEST_BLOCK)Srb)->DataPath;
    }
    return TRUE;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif /* _SRBHELPER_H_ */
