/**
 * \file
 * The caller's path: from what a program types to what ZwCreateFile wants.
 *
 * The path comes out of a caller's buffer. It may be unterminated, empty or relative, and is copied
 * before it is looked at. The upper-case form is made here, at PASSIVE_LEVEL, because the tables
 * for it are paged; later two paths are compared byte by byte under a spin lock.
 */
#include "02-dispatch/connection.h"

/** A prefix that callers use, and what stands for it in the object manager's name space. */
typedef struct _VMINI_PATH_PREFIX {
    PCWSTR Win32;
    PCWSTR Nt;
} VMINI_PATH_PREFIX;

/** The first that matches counts, so the longer ones come first. */
static const VMINI_PATH_PREFIX VminiPathPrefixes[] = {
    {L"\\\\?\\UNC\\", L"\\??\\UNC\\"}, {L"\\\\?\\", L"\\??\\"}, {L"\\\\.\\", L"\\??\\"},
    {L"\\\\", L"\\??\\UNC\\"},         {L"\\??\\", L"\\??\\"},  {L"\\Device\\", L"\\Device\\"},
};

/** Characters of a string before its NUL, at most Limit. \irql{any} */
static ULONG VminiPathLength(_In_reads_(Limit) const WCHAR *Text, _In_ ULONG Limit)
{
    ULONG Length = 0;

    while (Length < Limit && Text[Length] != 0) {
        Length++;
    }
    return Length;
}

/** Characters of Prefix if Text begins with it, else 0. \irql{PASSIVE_LEVEL} */
static ULONG VminiPathMatch(_In_ PCWSTR Text, _In_ PCWSTR Prefix)
{
    ULONG Index;

    for (Index = 0; Prefix[Index] != 0; Index++) {
        if (RtlUpcaseUnicodeChar(Text[Index]) != RtlUpcaseUnicodeChar(Prefix[Index])) {
            return 0; /* Also at the end of Text. */
        }
    }
    return Index;
}

/** Is this a drive letter, a colon and a backslash? */
static BOOLEAN VminiPathHasDrive(_In_ PCWSTR Text)
{
    WCHAR Letter = Text[0];

    return ((Letter >= L'A' && Letter <= L'Z') || (Letter >= L'a' && Letter <= L'z')) &&
           Text[1] == L':' && Text[2] == L'\\';
}

/**
 * Finds the prefix of a path.
 * \param Skip receives its length.
 * \return what replaces it, or NULL for a relative path.
 */
static PCWSTR VminiPathPrefix(_In_ PCWSTR Text, _Out_ PULONG Skip)
{
    ULONG Index;

    *Skip = 0;
    if (VminiPathHasDrive(Text)) {
        return L"\\??\\";
    }
    for (Index = 0; Index < RTL_NUMBER_OF(VminiPathPrefixes); Index++) {
        *Skip = VminiPathMatch(Text, VminiPathPrefixes[Index].Win32);
        if (*Skip != 0) {
            return VminiPathPrefixes[Index].Nt;
        }
    }
    return NULL;
}

/** Appends a string that fits. \irql{any} */
static VOID VminiPathAppend(_Inout_ PUNICODE_STRING Path, _In_ PCWSTR Text, _In_ ULONG Length)
{
    RtlCopyMemory(Path->Buffer + Path->Length / sizeof(WCHAR), Text, Length * sizeof(WCHAR));
    Path->Length = (USHORT)(Path->Length + Length * sizeof(WCHAR));
}

_Use_decl_annotations_ NTSTATUS VminiPathResolve(const WCHAR *Source, PVMINI_CONNECTION Connection)
{
    ULONG Length = VminiPathLength(Source, VMINI_PATH_LENGTH);
    PCWSTR Prefix;
    ULONG Index;
    ULONG Skip;

    if (Length == VMINI_PATH_LENGTH) {
        return STATUS_NAME_TOO_LONG;
    }
    RtlCopyMemory(Connection->UserPath, Source, Length * sizeof(WCHAR));
    Connection->UserPath[Length] = 0;
    Prefix = VminiPathPrefix(Connection->UserPath, &Skip);
    if (Prefix == NULL || Length == Skip) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Connection->NtPath.Buffer = Connection->NtPathBuffer;
    Connection->NtPath.MaximumLength = sizeof(Connection->NtPathBuffer);
    VminiPathAppend(&Connection->NtPath, Prefix, VminiPathLength(Prefix, VMINI_NT_PATH_LENGTH));
    VminiPathAppend(&Connection->NtPath, Connection->UserPath + Skip, Length - Skip);

    Connection->Key = Connection->NtPath;
    Connection->Key.Buffer = Connection->KeyBuffer;
    for (Index = 0; Index < Connection->Key.Length / sizeof(WCHAR); Index++) {
        Connection->KeyBuffer[Index] = RtlUpcaseUnicodeChar(Connection->NtPathBuffer[Index]);
    }
    return STATUS_SUCCESS;
}
