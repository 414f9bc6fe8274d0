/**
 * \file
 * A logical unit's facts: what it is, how big it is, who it is.
 *
 * Filled once, at PASSIVE_LEVEL, before the device is published on the bus; read by every command
 * at any IRQL up to DISPATCH_LEVEL. Nothing here may be paged but VminiUnitInitialize itself.
 */
#include "03-scsi/commands.h"

#define VMINI_FNV_BASIS 0xCBF29CE484222325ULL
#define VMINI_FNV_PRIME 0x100000001B3ULL

/** FNV-1a over the upper-cased path: two spellings of one Windows path are one identity.
 *  \irql{PASSIVE_LEVEL} (RtlUpcaseUnicodeChar's tables are paged.) */
static ULONGLONG VminiUnitHash(_In_ PCUNICODE_STRING Path)
{
    ULONGLONG Hash = VMINI_FNV_BASIS;
    ULONG Index;

    for (Index = 0; Index < Path->Length / sizeof(WCHAR); Index++) {
        WCHAR Character = RtlUpcaseUnicodeChar(Path->Buffer[Index]);

        Hash = (Hash ^ (Character & 0xFF)) * VMINI_FNV_PRIME;
        Hash = (Hash ^ (ULONGLONG)(Character >> 8)) * VMINI_FNV_PRIME;
    }
    return Hash;
}

/**
 * Makes serial number and NAA identifier. Both come from the path, so that an image that is
 * connected again, after a reboot or at another address, is the same disk to Windows; and two
 * images are two.
 *
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------------+-----------------------+
 *      0 |  NAA 3h               |  locally administered |   SPC-4 7.8.6.6.4
 *    1-7 |  value, 60 bits in all                        |
 *        +-----------------------------------------------+
 */
static VOID VminiUnitIdentify(_Inout_ PVMINI_UNIT Unit, _In_ PCUNICODE_STRING Path)
{
    static const CHAR Digits[] = "0123456789ABCDEF";
    ULONGLONG Hash = VminiUnitHash(Path);
    SIZE_T Index;

    VminiWriteBe64(Unit->Naa, Hash);
    for (Index = 0; Index < sizeof(Unit->Naa); Index++) {
        Unit->Serial[2 * Index] = (UCHAR)Digits[Unit->Naa[Index] >> 4];
        Unit->Serial[2 * Index + 1] = (UCHAR)Digits[Unit->Naa[Index] & 0xF];
    }
    Unit->Naa[0] = (UCHAR)(0x30 | (Unit->Naa[0] & 0xF));
}

_Static_assert(VMINI_SERIAL_LENGTH == 2 * RTL_FIELD_SIZE(VMINI_UNIT, Naa), "two digits a byte");

/** Which rows of the tables are for a unit. */
static UCHAR VminiUnitKind(_In_ const VMINI_UNIT *Unit)
{
    UCHAR Devices = VMINI_ON_DISK;

    if (Unit->Cdrom) {
        return VMINI_ON_CDROM;
    }
    Devices |= Unit->Removable ? VMINI_ON_REMOVABLE : 0;
    return Devices | (Unit->Thin ? VMINI_ON_THIN : 0);
}

_Use_decl_annotations_ NTSTATUS VminiUnitInitialize(PVMINI_UNIT Unit, PVMINI_MEDIA Media,
                                                    ULONG Flags, VMINI_ADDRESS Address,
                                                    PCUNICODE_STRING IdentityPath)
{
    RtlZeroMemory(Unit, sizeof(*Unit));
    Unit->Cdrom = (Flags & VMINI_CONNECT_CDROM) != 0;
    Unit->ReadOnly = Unit->Cdrom || Media->ReadOnly || (Flags & VMINI_CONNECT_READ_ONLY) != 0;
    Unit->Removable = Unit->Cdrom || (Flags & VMINI_CONNECT_REMOVABLE) != 0;
    Unit->Thin = !Unit->Cdrom && (Flags & VMINI_CONNECT_THIN) != 0;
    Unit->Devices = VminiUnitKind(Unit);
    Unit->Address = Address;
    Unit->Media = Media;
    Unit->BlockSize = Unit->Cdrom ? VMINI_CDROM_BLOCK_SIZE : VMINI_DISK_BLOCK_SIZE;
    Unit->BlockCount = Media->Size / Unit->BlockSize;
    if (Unit->BlockCount == 0) {
        return STATUS_FILE_INVALID;
    }
    VminiUnitIdentify(Unit, IdentityPath);
    VminiUnitReset(Unit);
    if (Unit->Cdrom) {
        Unit->MediaEvent = NOTIFICATION_MEDIA_EVENT_NEW_MEDIA;
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID VminiUnitReset(PVMINI_UNIT Unit)
{
    InterlockedExchange(&Unit->Prevented, 0);
    InterlockedExchange(&Unit->Mode, VminiModeDefaults(Unit));
}

_Use_decl_annotations_ UCHAR VminiUnitPeripheral(const VMINI_UNIT *Unit)
{
    if (Unit == NULL) {
        return LOGICAL_UNIT_NOT_PRESENT_DEVICE; /* Qualifier 011b, type 1Fh: SPC-4 6.6.2. */
    }
    return Unit->Cdrom ? READ_ONLY_DIRECT_ACCESS_DEVICE : DIRECT_ACCESS_DEVICE;
}

_Use_decl_annotations_ PCSTR VminiUnitProduct(const VMINI_UNIT *Unit)
{
    return Unit != NULL && Unit->Cdrom ? VMINI_PRODUCT_CDROM : VMINI_PRODUCT_DISK;
}
