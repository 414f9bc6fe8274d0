/**
 * \file
 * Sense data: why a command failed, in the bytes that SCSI has for it.
 *
 * A device without autosense would keep them until REQUEST SENSE fetched them. Here they go with
 * the SRB that failed: into its sense buffer, with SRB_STATUS_AUTOSENSE_VALID. The format is the fixed
 * one (SPC-4 4.5.3), unless the unit's D_SENSE bit asks for descriptors: see descriptor.c.
 *
 *     byte   7     6     5     4     3     2     1     0
 *        +-----+-----------------------------------------+
 *      0 |VALID|  response code 70h: current error       |   VALID: INFORMATION holds something
 *      1 |  0                                            |
 *      2 |  filemark, EOM, ILI, 0  |     sense key       |
 *    3-6 |  INFORMATION                                  |   an LBA, or where a comparison failed
 *      7 |  additional sense length: 10 more bytes       |   not changed by truncation
 *   8-11 |  command specific information: 0              |
 *     12 |  additional sense code (ASC)                  |
 *     13 |  additional sense code qualifier (ASCQ)       |
 *     14 |  field replaceable unit code: 0               |
 *     15 |SKSV | C/D |  0     0  | BPV |  bit pointer    |   which field of the CDB is wrong
 *  16-17 |  field pointer: the byte                      |
 *        +-----------------------------------------------+
 */
#include "06-compliance/compliance.h"
#include "06-compliance/endian.h"

_Static_assert(sizeof(SENSE_DATA) == 18, "fixed format sense data");
_Static_assert(offsetof(SENSE_DATA, AdditionalSenseCode) == 12, "fixed format sense data");
_Static_assert(offsetof(SENSE_DATA, SenseKeySpecific) == 15, "fixed format sense data");

/* Byte 15. */
#define VMINI_SKSV       0x80 /**< The three sense-key specific bytes are valid. */
#define VMINI_SKS_IN_CDB 0x40 /**< The field pointer is into the CDB, not into parameter data. */
#define VMINI_SKS_BPV    0x08 /**< The bit pointer is valid. */

_Static_assert(VMINI_SENSE_LONGEST >= VMINI_SENSE_LENGTH, "room for either format");

_Use_decl_annotations_ VOID VminiSenseBuild(PSENSE_DATA Data, VMINI_SENSE Sense)
{
    RtlZeroMemory(Data, sizeof(*Data));
    Data->ErrorCode = SCSI_SENSE_ERRORCODE_FIXED_CURRENT;
    Data->SenseKey = (UCHAR)((Sense >> 16) & 0xF);
    Data->AdditionalSenseCode = (UCHAR)((Sense >> 8) & 0xFF);
    Data->AdditionalSenseCodeQualifier = (UCHAR)(Sense & 0xFF);
    Data->AdditionalSenseLength =
        sizeof(*Data) - RTL_SIZEOF_THROUGH_FIELD(SENSE_DATA, AdditionalSenseLength);
}

/** Fixed format; an INFORMATION of more than 32 bits does not fit, and VALID stays 0. */
static UCHAR VminiSenseBuildFixed(_Out_ PSENSE_DATA Data, _In_ const VMINI_SENSE_RECORD *Record)
{
    VminiSenseBuild(Data, Record->Sense);
    if (Record->HasInformation && Record->Information <= MAXULONG) {
        Data->Valid = 1;
        VminiWriteBe32(Data->Information, (ULONG)Record->Information);
    }
    RtlCopyMemory(Data->SenseKeySpecific, Record->SenseKeySpecific, sizeof(Data->SenseKeySpecific));
    return sizeof(*Data);
}

/** Writes a record in the format that the SRB's unit is set to. \return its bytes.
 *  \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiSenseFormat(_In_ PSCSI_REQUEST_BLOCK Srb, _In_ const VMINI_SENSE_RECORD *Record,
                              _Out_writes_bytes_(VMINI_SENSE_LONGEST) PVOID Data)
{
    const VMINI_SRB_HEADER *Header = SrbGetMiniportContext(Srb);

    return Header != NULL && Header->DescriptorSense ? VminiSenseBuildDescriptors(Data, Record)
                                                     : VminiSenseBuildFixed(Data, Record);
}

/**
 * Puts sense data into an SRB and says so. Without a buffer, or with autosense disabled, the status
 * byte is all that the initiator gets. \irql{<= DISPATCH_LEVEL}
 */
static UCHAR VminiSenseStore(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ const VMINI_SENSE_RECORD *Record)
{
    UCHAR Data[VMINI_SENSE_LONGEST];
    UCHAR Whole = VminiSenseFormat(Srb, Record, Data);
    PVOID Buffer = SrbGetSenseInfoBuffer(Srb);
    UCHAR Length = min(SrbGetSenseInfoBufferLength(Srb), Whole);

    //! [store]
    SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
    if (Buffer == NULL || Length == 0 || (SrbGetSrbFlags(Srb) & SRB_FLAGS_DISABLE_AUTOSENSE) != 0) {
        return SRB_STATUS_ERROR;
    }
    RtlCopyMemory(Buffer, Data, Length);
    SrbSetSenseInfoBufferLength(Srb, Length);
    return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
    //! [store]
}

_Use_decl_annotations_ UCHAR VminiSenseFail(PSCSI_REQUEST_BLOCK Srb, VMINI_SENSE Sense)
{
    VMINI_SENSE_RECORD Record = {.Sense = Sense};

    return VminiSenseStore(Srb, &Record);
}

/** Fails with a field pointer. \param InCdb VMINI_SKS_IN_CDB, or 0: into parameter data. */
static UCHAR VminiSenseFailField(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ VMINI_SENSE Sense,
                                 _In_ UCHAR InCdb, _In_ USHORT Byte, _In_ UCHAR Bit)
{
    VMINI_SENSE_RECORD Record = {.Sense = Sense};

    Record.SenseKeySpecific[0] = VMINI_SKSV | InCdb;
    if (Bit != VMINI_WHOLE_BYTE) {
        Record.SenseKeySpecific[0] |= (UCHAR)(VMINI_SKS_BPV | (Bit & 7));
    }
    VminiWriteBe16(&Record.SenseKeySpecific[1], Byte);
    return VminiSenseStore(Srb, &Record);
}

_Use_decl_annotations_ UCHAR VminiSenseFailCdbField(PSCSI_REQUEST_BLOCK Srb, USHORT Byte, UCHAR Bit)
{
    return VminiSenseFailField(Srb, VMINI_SENSE_INVALID_FIELD, VMINI_SKS_IN_CDB, Byte, Bit);
}

_Use_decl_annotations_ UCHAR VminiSenseFailParameter(PSCSI_REQUEST_BLOCK Srb, USHORT Byte,
                                                     UCHAR Bit)
{
    return VminiSenseFailField(Srb, VMINI_SENSE_INVALID_PARAMETER, 0, Byte, Bit);
}

_Use_decl_annotations_ UCHAR VminiSenseFailInformation(PSCSI_REQUEST_BLOCK Srb, VMINI_SENSE Sense,
                                                       ULONGLONG Information)
{
    VMINI_SENSE_RECORD Record = {
        .Sense = Sense, .HasInformation = TRUE, .Information = Information};

    return VminiSenseStore(Srb, &Record);
}
