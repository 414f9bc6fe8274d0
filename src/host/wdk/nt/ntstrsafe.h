/*
 * Safe strings: copies that take the size of the destination, always terminate, and report
 * truncation as STATUS_BUFFER_OVERFLOW. Inlines over wdm.h types, used by both builds; only the
 * Printf forms import something (_vsnwprintf, _vsnprintf: both are kernel exports).
 *
 * Cch counts characters, Cb counts bytes; W is UTF-16, A is 8-bit. No size may exceed
 * NTSTRSAFE_MAX_CCH characters, and none may be 0. Formatting is PASSIVE_LEVEL only.
 */
#pragma once

#include <wdm.h>

#define NTSTRSAFE_MAX_CCH                0x7fffffffu
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffffu / sizeof(WCHAR))

#if defined(__MINGW32__)
#include <stdio.h>
#include <wchar.h>
#define NTSTRSAFE_VA_LIST         va_list
#define NTSTRSAFE_VA_START(ap, p) va_start(ap, p)
#define NTSTRSAFE_VA_END(ap)      va_end(ap)
#else
#if defined(__x86_64__)
#define NTSTRSAFE_VA_LIST         __builtin_ms_va_list
#define NTSTRSAFE_VA_START(ap, p) __builtin_ms_va_start(ap, p)
#define NTSTRSAFE_VA_END(ap)      __builtin_ms_va_end(ap)
#else
#define NTSTRSAFE_VA_LIST         va_list
#define NTSTRSAFE_VA_START(ap, p) va_start(ap, p)
#define NTSTRSAFE_VA_END(ap)      va_end(ap)
#endif
NTSYSAPI INT CDECL _vsnwprintf(_Out_writes_(Count) PWSTR Buffer, _In_ SIZE_T Count,
                               _In_z_ PCWSTR Format, NTSTRSAFE_VA_LIST Arguments);
NTSYSAPI INT CDECL _vsnprintf(_Out_writes_(Count) PSTR Buffer, _In_ SIZE_T Count,
                              _In_z_ PCSTR Format, NTSTRSAFE_VA_LIST Arguments);
#endif

/** TRUE if a destination of `Cch` characters is one these routines accept. */
FORCEINLINE BOOLEAN RtlStringpValidDest(SIZE_T Cch)
{
    return Cch != 0 && Cch <= NTSTRSAFE_MAX_CCH;
}

/* ---- Length. */

/** Characters before the NUL, which must lie within `CchMax`. */
FORCEINLINE NTSTATUS RtlStringCchLengthW(_In_opt_z_ PCWSTR String, _In_ SIZE_T CchMax,
                                         _Out_opt_ SIZE_T *CchLength)
{
    SIZE_T length = 0;
    BOOLEAN found = FALSE;

    if (String != NULL && CchMax <= NTSTRSAFE_MAX_CCH) {
        while (length < CchMax && String[length] != 0) {
            length++;
        }
        found = length < CchMax;
    }
    if (CchLength != NULL) {
        *CchLength = found ? length : 0;
    }
    return found ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

FORCEINLINE NTSTATUS RtlStringCchLengthA(_In_opt_z_ PCSTR String, _In_ SIZE_T CchMax,
                                         _Out_opt_ SIZE_T *CchLength)
{
    SIZE_T length = 0;
    BOOLEAN found = FALSE;

    if (String != NULL && CchMax <= NTSTRSAFE_MAX_CCH) {
        while (length < CchMax && String[length] != 0) {
            length++;
        }
        found = length < CchMax;
    }
    if (CchLength != NULL) {
        *CchLength = found ? length : 0;
    }
    return found ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

FORCEINLINE NTSTATUS RtlStringCbLengthW(_In_opt_z_ PCWSTR String, _In_ SIZE_T CbMax,
                                        _Out_opt_ SIZE_T *CbLength)
{
    SIZE_T cch;
    NTSTATUS status = RtlStringCchLengthW(String, CbMax / sizeof(WCHAR), &cch);

    if (CbLength != NULL) {
        *CbLength = cch * sizeof(WCHAR);
    }
    return status;
}

FORCEINLINE NTSTATUS RtlStringCbLengthA(_In_opt_z_ PCSTR String, _In_ SIZE_T CbMax,
                                        _Out_opt_ SIZE_T *CbLength)
{
    return RtlStringCchLengthA(String, CbMax, CbLength);
}

/* ---- Copy. The N forms read at most that much of the source. */

FORCEINLINE NTSTATUS RtlStringCchCopyNW(_Out_writes_(CchDest) PWSTR Dest, _In_ SIZE_T CchDest,
                                        _In_reads_(CchToCopy) PCWSTR Src, _In_ SIZE_T CchToCopy)
{
    SIZE_T i;

    if (!RtlStringpValidDest(CchDest) || CchToCopy > NTSTRSAFE_MAX_CCH) {
        return STATUS_INVALID_PARAMETER;
    }
    for (i = 0; i < CchDest - 1 && i < CchToCopy && Src[i] != 0; i++) {
        Dest[i] = Src[i];
    }
    Dest[i] = 0;
    return i == CchToCopy || Src[i] == 0 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

FORCEINLINE NTSTATUS RtlStringCchCopyNA(_Out_writes_(CchDest) PSTR Dest, _In_ SIZE_T CchDest,
                                        _In_reads_(CchToCopy) PCSTR Src, _In_ SIZE_T CchToCopy)
{
    SIZE_T i;

    if (!RtlStringpValidDest(CchDest) || CchToCopy > NTSTRSAFE_MAX_CCH) {
        return STATUS_INVALID_PARAMETER;
    }
    for (i = 0; i < CchDest - 1 && i < CchToCopy && Src[i] != 0; i++) {
        Dest[i] = Src[i];
    }
    Dest[i] = 0;
    return i == CchToCopy || Src[i] == 0 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

FORCEINLINE NTSTATUS RtlStringCchCopyW(_Out_writes_(CchDest) PWSTR Dest, _In_ SIZE_T CchDest,
                                       _In_z_ PCWSTR Src)
{
    return RtlStringCchCopyNW(Dest, CchDest, Src, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCchCopyA(_Out_writes_(CchDest) PSTR Dest, _In_ SIZE_T CchDest,
                                       _In_z_ PCSTR Src)
{
    return RtlStringCchCopyNA(Dest, CchDest, Src, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCbCopyW(_Out_writes_bytes_(CbDest) PWSTR Dest, _In_ SIZE_T CbDest,
                                      _In_z_ PCWSTR Src)
{
    return RtlStringCchCopyW(Dest, CbDest / sizeof(WCHAR), Src);
}

FORCEINLINE NTSTATUS RtlStringCbCopyNW(_Out_writes_bytes_(CbDest) PWSTR Dest, _In_ SIZE_T CbDest,
                                       _In_reads_bytes_(CbToCopy) PCWSTR Src, _In_ SIZE_T CbToCopy)
{
    return RtlStringCchCopyNW(Dest, CbDest / sizeof(WCHAR), Src, CbToCopy / sizeof(WCHAR));
}

FORCEINLINE NTSTATUS RtlStringCbCopyA(_Out_writes_bytes_(CbDest) PSTR Dest, _In_ SIZE_T CbDest,
                                      _In_z_ PCSTR Src)
{
    return RtlStringCchCopyA(Dest, CbDest, Src);
}

FORCEINLINE NTSTATUS RtlStringCbCopyNA(_Out_writes_bytes_(CbDest) PSTR Dest, _In_ SIZE_T CbDest,
                                       _In_reads_bytes_(CbToCopy) PCSTR Src, _In_ SIZE_T CbToCopy)
{
    return RtlStringCchCopyNA(Dest, CbDest, Src, CbToCopy);
}

/* ---- Append. */

FORCEINLINE NTSTATUS RtlStringCchCatW(_Inout_updates_(CchDest) PWSTR Dest, _In_ SIZE_T CchDest,
                                      _In_z_ PCWSTR Src)
{
    SIZE_T length;
    NTSTATUS status = RtlStringCchLengthW(Dest, CchDest, &length);

    return NT_SUCCESS(status) ? RtlStringCchCopyW(Dest + length, CchDest - length, Src) : status;
}

FORCEINLINE NTSTATUS RtlStringCchCatA(_Inout_updates_(CchDest) PSTR Dest, _In_ SIZE_T CchDest,
                                      _In_z_ PCSTR Src)
{
    SIZE_T length;
    NTSTATUS status = RtlStringCchLengthA(Dest, CchDest, &length);

    return NT_SUCCESS(status) ? RtlStringCchCopyA(Dest + length, CchDest - length, Src) : status;
}

FORCEINLINE NTSTATUS RtlStringCbCatW(_Inout_updates_bytes_(CbDest) PWSTR Dest, _In_ SIZE_T CbDest,
                                     _In_z_ PCWSTR Src)
{
    return RtlStringCchCatW(Dest, CbDest / sizeof(WCHAR), Src);
}

FORCEINLINE NTSTATUS RtlStringCbCatA(_Inout_updates_bytes_(CbDest) PSTR Dest, _In_ SIZE_T CbDest,
                                     _In_z_ PCSTR Src)
{
    return RtlStringCchCatA(Dest, CbDest, Src);
}

/* ---- Format. Variadic, hence not forced inline; one copy per file that uses one. */

/** Terminates what the formatter wrote. A negative result, or a full buffer, is truncation. */
FORCEINLINE NTSTATUS RtlStringpEndW(PWSTR Dest, SIZE_T CchDest, INT Written)
{
    if (Written >= 0 && (SIZE_T)Written < CchDest) {
        Dest[Written] = 0;
        return STATUS_SUCCESS;
    }
    Dest[CchDest - 1] = 0;
    return STATUS_BUFFER_OVERFLOW;
}

FORCEINLINE NTSTATUS RtlStringpEndA(PSTR Dest, SIZE_T CchDest, INT Written)
{
    if (Written >= 0 && (SIZE_T)Written < CchDest) {
        Dest[Written] = 0;
        return STATUS_SUCCESS;
    }
    Dest[CchDest - 1] = 0;
    return STATUS_BUFFER_OVERFLOW;
}

static inline __attribute__((unused)) NTSTATUS NTAPI RtlStringCchPrintfW(_Out_writes_(CchDest)
                                                                             PWSTR Dest,
                                                                         _In_ SIZE_T CchDest,
                                                                         _In_z_ PCWSTR Format, ...)
{
    NTSTRSAFE_VA_LIST arguments;
    INT written;

    if (!RtlStringpValidDest(CchDest)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTRSAFE_VA_START(arguments, Format);
    written = _vsnwprintf(Dest, CchDest - 1, Format, arguments);
    NTSTRSAFE_VA_END(arguments);
    return RtlStringpEndW(Dest, CchDest, written);
}

static inline __attribute__((unused)) NTSTATUS NTAPI RtlStringCchPrintfA(_Out_writes_(CchDest)
                                                                             PSTR Dest,
                                                                         _In_ SIZE_T CchDest,
                                                                         _In_z_ PCSTR Format, ...)
{
    NTSTRSAFE_VA_LIST arguments;
    INT written;

    if (!RtlStringpValidDest(CchDest)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTRSAFE_VA_START(arguments, Format);
    written = _vsnprintf(Dest, CchDest - 1, Format, arguments);
    NTSTRSAFE_VA_END(arguments);
    return RtlStringpEndA(Dest, CchDest, written);
}

#define RtlStringCbPrintfW(dest, cb, ...)                                                          \
    RtlStringCchPrintfW(dest, (cb) / sizeof(WCHAR), __VA_ARGS__)
#define RtlStringCbPrintfA(dest, cb, ...) RtlStringCchPrintfA(dest, cb, __VA_ARGS__)

/* ---- Counted strings: no terminator is written, MaximumLength is the limit. */

/** TRUE unless the structure contradicts itself. */
FORCEINLINE NTSTATUS RtlUnicodeStringValidate(_In_ PCUNICODE_STRING String)
{
    BOOLEAN sound = String->Length % sizeof(WCHAR) == 0 &&
                    String->MaximumLength % sizeof(WCHAR) == 0 &&
                    String->Length <= String->MaximumLength &&
                    (String->Buffer != NULL || String->MaximumLength == 0);

    return sound ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/** Describes a terminated string without copying it; fails if it is too long to be counted. */
FORCEINLINE NTSTATUS RtlUnicodeStringInit(_Out_ PUNICODE_STRING Dest, _In_opt_z_ PWSTR Src)
{
    SIZE_T cch = 0;

    Dest->Length = 0;
    Dest->MaximumLength = 0;
    Dest->Buffer = NULL;
    if (Src == NULL) {
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(RtlStringCchLengthW(Src, NTSTRSAFE_UNICODE_STRING_MAX_CCH, &cch))) {
        return STATUS_INVALID_PARAMETER;
    }
    Dest->Length = (USHORT)(cch * sizeof(WCHAR));
    Dest->MaximumLength = (USHORT)((cch + 1) * sizeof(WCHAR));
    Dest->Buffer = Src;
    return STATUS_SUCCESS;
}

/** Replaces what follows the first `Keep` bytes of `Dest` by `Bytes` bytes, as far as they fit. */
FORCEINLINE NTSTATUS RtlUnicodeStringpPut(PUNICODE_STRING Dest, USHORT Keep, PCWSTR Src,
                                          SIZE_T Bytes)
{
    SIZE_T room = (SIZE_T)(Dest->MaximumLength - Keep);
    SIZE_T copied = Bytes < room ? Bytes : room;

    if (copied != 0) {
        memmove((PUCHAR)Dest->Buffer + Keep, Src, copied);
    }
    Dest->Length = (USHORT)(Keep + copied);
    return copied == Bytes ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

FORCEINLINE NTSTATUS RtlUnicodeStringCopy(_Inout_ PUNICODE_STRING Dest, _In_ PCUNICODE_STRING Src)
{
    if (!NT_SUCCESS(RtlUnicodeStringValidate(Dest)) || !NT_SUCCESS(RtlUnicodeStringValidate(Src))) {
        return STATUS_INVALID_PARAMETER;
    }
    return RtlUnicodeStringpPut(Dest, 0, Src->Buffer, Src->Length);
}

FORCEINLINE NTSTATUS RtlUnicodeStringCat(_Inout_ PUNICODE_STRING Dest, _In_ PCUNICODE_STRING Src)
{
    if (!NT_SUCCESS(RtlUnicodeStringValidate(Dest)) || !NT_SUCCESS(RtlUnicodeStringValidate(Src))) {
        return STATUS_INVALID_PARAMETER;
    }
    return RtlUnicodeStringpPut(Dest, Dest->Length, Src->Buffer, Src->Length);
}

FORCEINLINE NTSTATUS RtlUnicodeStringCopyString(_Inout_ PUNICODE_STRING Dest, _In_z_ PCWSTR Src)
{
    SIZE_T cch;

    if (!NT_SUCCESS(RtlUnicodeStringValidate(Dest)) ||
        !NT_SUCCESS(RtlStringCchLengthW(Src, NTSTRSAFE_MAX_CCH, &cch))) {
        return STATUS_INVALID_PARAMETER;
    }
    return RtlUnicodeStringpPut(Dest, 0, Src, cch * sizeof(WCHAR));
}

FORCEINLINE NTSTATUS RtlUnicodeStringCatString(_Inout_ PUNICODE_STRING Dest, _In_z_ PCWSTR Src)
{
    SIZE_T cch;

    if (!NT_SUCCESS(RtlUnicodeStringValidate(Dest)) ||
        !NT_SUCCESS(RtlStringCchLengthW(Src, NTSTRSAFE_MAX_CCH, &cch))) {
        return STATUS_INVALID_PARAMETER;
    }
    return RtlUnicodeStringpPut(Dest, Dest->Length, Src, cch * sizeof(WCHAR));
}
