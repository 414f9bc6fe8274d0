/**
 * \file
 * SCSI puts the most significant byte first, the processor the least: every number of more than one
 * byte that crosses the wire goes through these, and nowhere else are bytes shifted by hand.
 *
 * They take a pointer to bytes, aligned or not. \irql{any}
 */
#ifndef VMINI_ENDIAN_H
#define VMINI_ENDIAN_H

#include <ntifs.h>

/** Reads a 16-bit number. \param At its first byte. \return the number. */
FORCEINLINE USHORT VminiReadBe16(_In_reads_bytes_(2) const VOID *At)
{
    const UCHAR *Byte = (const UCHAR *)At;

    return (USHORT)((Byte[0] << 8) | Byte[1]);
}

/** Reads a 24-bit number. \param At its first byte. \return the number. */
FORCEINLINE ULONG VminiReadBe24(_In_reads_bytes_(3) const VOID *At)
{
    const UCHAR *Byte = (const UCHAR *)At;

    return ((ULONG)Byte[0] << 16) | VminiReadBe16(Byte + 1);
}

/** Reads a 32-bit number. \param At its first byte. \return the number. */
FORCEINLINE ULONG VminiReadBe32(_In_reads_bytes_(4) const VOID *At)
{
    const UCHAR *Byte = (const UCHAR *)At;

    return ((ULONG)VminiReadBe16(Byte) << 16) | VminiReadBe16(Byte + 2);
}

/** Reads a 64-bit number. \param At its first byte. \return the number. */
FORCEINLINE ULONGLONG VminiReadBe64(_In_reads_bytes_(8) const VOID *At)
{
    const UCHAR *Byte = (const UCHAR *)At;

    return ((ULONGLONG)VminiReadBe32(Byte) << 32) | VminiReadBe32(Byte + 4);
}

/** Writes a 16-bit number. \param At where its first byte goes. \param Value the number. */
FORCEINLINE VOID VminiWriteBe16(_Out_writes_bytes_(2) PVOID At, _In_ USHORT Value)
{
    PUCHAR Byte = (PUCHAR)At;

    Byte[0] = (UCHAR)(Value >> 8);
    Byte[1] = (UCHAR)(Value & 0xFF);
}

/** Writes the low 24 bits of a number. \param At where the first byte goes. \param Value the
 *  number. */
FORCEINLINE VOID VminiWriteBe24(_Out_writes_bytes_(3) PVOID At, _In_ ULONG Value)
{
    PUCHAR Byte = (PUCHAR)At;

    Byte[0] = (UCHAR)((Value >> 16) & 0xFF);
    VminiWriteBe16(Byte + 1, (USHORT)(Value & 0xFFFF));
}

/** Writes a 32-bit number. \param At where its first byte goes. \param Value the number. */
FORCEINLINE VOID VminiWriteBe32(_Out_writes_bytes_(4) PVOID At, _In_ ULONG Value)
{
    PUCHAR Byte = (PUCHAR)At;

    VminiWriteBe16(Byte, (USHORT)(Value >> 16));
    VminiWriteBe16(Byte + 2, (USHORT)(Value & 0xFFFF));
}

/** Writes a 64-bit number. \param At where its first byte goes. \param Value the number. */
FORCEINLINE VOID VminiWriteBe64(_Out_writes_bytes_(8) PVOID At, _In_ ULONGLONG Value)
{
    PUCHAR Byte = (PUCHAR)At;

    VminiWriteBe32(Byte, (ULONG)(Value >> 32));
    VminiWriteBe32(Byte + 4, (ULONG)(Value & 0xFFFFFFFF));
}

#endif
