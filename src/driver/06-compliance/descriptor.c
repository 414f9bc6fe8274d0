/**
 * \file
 * Sense data in the descriptor format (SPC-4 4.5.2), which an initiator asks for by D_SENSE in the
 * control mode page: the same facts as in sense.c, and room for a 64-bit LBA.
 *
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------------------------------------+
 *      0 |  0  |  response code 72h: current error       |
 *      1 |  0                    |     sense key         |
 *      2 |  additional sense code (ASC)                  |
 *      3 |  additional sense code qualifier (ASCQ)       |
 *      7 |  additional sense length: descriptors' bytes  |
 *        +-----------------------------------------------+
 *        |  descriptor type      each of them begins so  |
 *        |  additional length: the bytes after this one  |
 *        +-----------------------------------------------+
 *
 * A fact that there is none of has no descriptor.
 */
#include "06-compliance/compliance.h"
#include "06-compliance/endian.h"

#define VMINI_DESCRIPTOR_HEADER offsetof(DESCRIPTOR_SENSE_DATA, DescriptorBuffer)

/** 02h, sense key specific (SPC-4 4.5.2.4), which the WDK lacks. */
typedef struct _VMINI_DESCRIPTOR_SPECIFIC {
    SCSI_SENSE_DESCRIPTOR_HEADER Header;
    UCHAR Reserved1[2];
    UCHAR SenseKeySpecific[3];
    UCHAR Reserved2;
} VMINI_DESCRIPTOR_SPECIFIC;

_Static_assert(VMINI_DESCRIPTOR_HEADER == 8, "SPC-4 4.5.2.1");
_Static_assert(sizeof(SCSI_SENSE_DESCRIPTOR_INFORMATION) == 12, "SPC-4 4.5.2.2");
_Static_assert(sizeof(VMINI_DESCRIPTOR_SPECIFIC) == 8, "SPC-4 4.5.2.4");
_Static_assert(VMINI_DESCRIPTOR_HEADER + sizeof(SCSI_SENSE_DESCRIPTOR_INFORMATION) +
                       sizeof(VMINI_DESCRIPTOR_SPECIFIC) ==
                   VMINI_SENSE_LONGEST,
               "both descriptors");

#define VMINI_SKSV 0x80

/** Fills a descriptor's header. */
static VOID VminiDescriptorBegin(_Out_ PSCSI_SENSE_DESCRIPTOR_HEADER Header, _In_ UCHAR Type,
                                 _In_ UCHAR Length)
{
    Header->DescriptorType = Type;
    Header->AdditionalLength = (UCHAR)(Length - sizeof(*Header));
}

/** Adds INFORMATION. \return bytes of the descriptor. */
static UCHAR VminiDescriptorInformation(_Out_ PSCSI_SENSE_DESCRIPTOR_INFORMATION Descriptor,
                                        _In_ ULONGLONG Information)
{
    VminiDescriptorBegin(&Descriptor->Header, SCSI_SENSE_DESCRIPTOR_TYPE_INFORMATION,
                         sizeof(*Descriptor));
    Descriptor->Valid = 1;
    VminiWriteBe64(Descriptor->Information, Information);
    return sizeof(*Descriptor);
}

/** Adds the sense-key specific bytes. \return bytes of the descriptor. */
static UCHAR VminiDescriptorSpecific(_Out_ VMINI_DESCRIPTOR_SPECIFIC *Descriptor,
                                     _In_ const VMINI_SENSE_RECORD *Record)
{
    VminiDescriptorBegin(&Descriptor->Header, SCSI_SENSE_DESCRIPTOR_TYPE_SENSE_KEY_SPECIFIC,
                         sizeof(*Descriptor));
    RtlCopyMemory(Descriptor->SenseKeySpecific, Record->SenseKeySpecific,
                  sizeof(Descriptor->SenseKeySpecific));
    return sizeof(*Descriptor);
}

_Use_decl_annotations_ UCHAR VminiSenseBuildDescriptors(PVOID Data,
                                                        const VMINI_SENSE_RECORD *Record)
{
    PDESCRIPTOR_SENSE_DATA Header = Data;
    PUCHAR At = Header->DescriptorBuffer;

    RtlZeroMemory(Data, VMINI_SENSE_LONGEST);
    Header->ErrorCode = SCSI_SENSE_ERRORCODE_DESCRIPTOR_CURRENT;
    Header->SenseKey = (UCHAR)((Record->Sense >> 16) & 0xF);
    Header->AdditionalSenseCode = (UCHAR)((Record->Sense >> 8) & 0xFF);
    Header->AdditionalSenseCodeQualifier = (UCHAR)(Record->Sense & 0xFF);
    if (Record->HasInformation) {
        At += VminiDescriptorInformation((PSCSI_SENSE_DESCRIPTOR_INFORMATION)(PVOID)At,
                                         Record->Information);
    }
    if ((Record->SenseKeySpecific[0] & VMINI_SKSV) != 0) {
        At += VminiDescriptorSpecific((VMINI_DESCRIPTOR_SPECIFIC *)(PVOID)At, Record);
    }
    Header->AdditionalSenseLength = (UCHAR)(At - Header->DescriptorBuffer);
    return (UCHAR)(VMINI_DESCRIPTOR_HEADER + Header->AdditionalSenseLength);
}
