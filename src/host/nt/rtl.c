/*
 * The run-time library of the kernel: counted strings, comparison, hashing, numbers and GUIDs as
 * text, version. Pure functions on the caller's memory. Case is folded by the C library's table for
 * UTF-8, unit by unit, as NT does with its own.
 */
#define _GNU_SOURCE
#include "nt/io_internal.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

#define RTL_MAX_BYTES 0xFFFE
#define RTL_TAG       0x67727453u /* 'Strg' */

/* --- case --- */

static locale_t utf8_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

WCHAR nt_upcase(WCHAR unit)
{
    if (unit < 0x80) {
        return unit >= 'a' && unit <= 'z' ? (WCHAR)(unit - 32) : unit;
    }
    pthread_once(&locale_once, make_locale);
    wint_t upper = utf8_locale == (locale_t)0 ? unit : towupper_l(unit, utf8_locale);
    return upper > 0xFFFF ? unit : (WCHAR)upper;
}

static WCHAR nt_downcase(WCHAR unit)
{
    if (unit < 0x80) {
        return unit >= 'A' && unit <= 'Z' ? (WCHAR)(unit + 32) : unit;
    }
    pthread_once(&locale_once, make_locale);
    wint_t lower = utf8_locale == (locale_t)0 ? unit : towlower_l(unit, utf8_locale);
    return lower > 0xFFFF ? unit : (WCHAR)lower;
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return nt_upcase(SourceCharacter);
}

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return nt_downcase(SourceCharacter);
}

/* --- memory --- */

SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    NT_ROUTINE(HIGH_LEVEL);
    const UCHAR *a = Source1, *b = Source2;
    SIZE_T equal = 0;

    while (equal < Length && a[equal] == b[equal]) {
        equal++;
    }
    return equal;
}

/* --- making strings --- */

static size_t wide_length(PCWSTR text)
{
    size_t chars = 0;

    while (text[chars] != 0) {
        chars++;
    }
    return chars;
}

static void init_unicode(PUNICODE_STRING string, PCWSTR source, size_t bytes)
{
    string->Buffer = (PWCH)(uintptr_t)source;
    string->Length = (USHORT)bytes;
    string->MaximumLength = (USHORT)(source == NULL ? 0 : bytes + sizeof(WCHAR));
}

/** A longer string than a counted one can be is cut: use RtlInitUnicodeStringEx to be told. */
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    size_t bytes = SourceString == NULL ? 0 : wide_length(SourceString) * sizeof(WCHAR);

    init_unicode(DestinationString, SourceString,
                 min(bytes, (size_t)(RTL_MAX_BYTES - sizeof(WCHAR))));
}

NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    size_t bytes = SourceString == NULL ? 0 : wide_length(SourceString) * sizeof(WCHAR);

    if (bytes > RTL_MAX_BYTES - sizeof(WCHAR)) {
        init_unicode(DestinationString, NULL, 0);
        return STATUS_NAME_TOO_LONG;
    }
    init_unicode(DestinationString, SourceString, bytes);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    size_t bytes = SourceString == NULL ? 0 : strlen(SourceString);

    bytes = min(bytes, (size_t)(RTL_MAX_BYTES - 1));
    DestinationString->Buffer = (PCHAR)(uintptr_t)SourceString;
    DestinationString->Length = (USHORT)bytes;
    DestinationString->MaximumLength = (USHORT)(SourceString == NULL ? 0 : bytes + 1);
}

/** Ends the string with a NUL where there is room for one. */
static void terminate(PUNICODE_STRING string)
{
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength) {
        string->Buffer[string->Length / sizeof(WCHAR)] = 0;
    }
}

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    if (SourceString == NULL) {
        DestinationString->Length = 0;
        return;
    }
    USHORT bytes = min(SourceString->Length, DestinationString->MaximumLength);
    memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = bytes;
    terminate(DestinationString);
}

static NTSTATUS append(PUNICODE_STRING to, const WCHAR *text, size_t bytes)
{
    if (bytes > (size_t)(to->MaximumLength - to->Length)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memmove((char *)to->Buffer + to->Length, text, bytes);
    to->Length = (USHORT)(to->Length + bytes);
    terminate(to);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    return Source->Length == 0 ? STATUS_SUCCESS
                               : append(Destination, Source->Buffer, Source->Length);
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    return Source == NULL ? STATUS_SUCCESS
                          : append(Destination, Source, wide_length(Source) * sizeof(WCHAR));
}

/* --- comparing --- */

/** Difference of the first units that differ among the first `chars`. */
static LONG compare_units(const WCHAR *a, const WCHAR *b, size_t chars, BOOLEAN fold)
{
    for (size_t i = 0; i < chars; i++) {
        WCHAR x = fold ? nt_upcase(a[i]) : a[i];
        WCHAR y = fold ? nt_upcase(b[i]) : b[i];
        if (x != y) {
            return (LONG)x - (LONG)y;
        }
    }
    return 0;
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return String1->Length == String2->Length &&
           compare_units(String1->Buffer, String2->Buffer, String1->Length / sizeof(WCHAR),
                         CaseInSensitive) == 0;
}

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                   BOOLEAN CaseInSensitive)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    USHORT common = min(String1->Length, String2->Length);
    LONG difference =
        compare_units(String1->Buffer, String2->Buffer, common / sizeof(WCHAR), CaseInSensitive);

    return difference != 0 ? difference : (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return String1->Length <= String2->Length &&
           compare_units(String1->Buffer, String2->Buffer, String1->Length / sizeof(WCHAR),
                         CaseInSensitive) == 0;
}

NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive,
                                    ULONG HashAlgorithm, PULONG HashValue)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    ULONG hash = 0;

    if (String == NULL || HashValue == NULL || HashAlgorithm > HASH_STRING_ALGORITHM_X65599) {
        return STATUS_INVALID_PARAMETER;
    }
    for (size_t i = 0; i < String->Length / sizeof(WCHAR); i++) {
        WCHAR unit = String->Buffer[i];
        hash = hash * 65599 + (CaseInSensitive ? nt_upcase(unit) : unit);
    }
    *HashValue = hash;
    return STATUS_SUCCESS;
}

/* --- allocation --- */

/** Room for `bytes` and a NUL: the caller's, or from paged pool. */
static NTSTATUS make_room(PUNICODE_STRING string, size_t bytes, BOOLEAN allocate)
{
    if (bytes > RTL_MAX_BYTES - sizeof(WCHAR)) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (!allocate) {
        return bytes > string->MaximumLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    }
    string->Buffer = ExAllocatePoolWithTag(PagedPool, bytes + sizeof(WCHAR), RTL_TAG);
    string->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    return string->Buffer == NULL ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
                                      PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status = make_room(DestinationString, SourceString->Length, AllocateDestinationString);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    for (size_t i = 0; i < SourceString->Length / sizeof(WCHAR); i++) {
        DestinationString->Buffer[i] = nt_upcase(SourceString->Buffer[i]);
    }
    DestinationString->Length = SourceString->Length;
    return STATUS_SUCCESS;
}

/** The ANSI code page here is ISO 8859-1; what it lacks becomes '?'. */
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString,
                                            PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    size_t chars = SourceString->Length / sizeof(WCHAR);

    if (AllocateDestinationString) {
        DestinationString->Buffer = ExAllocatePoolWithTag(PagedPool, chars + 1, RTL_TAG);
        DestinationString->MaximumLength = (USHORT)(chars + 1);
    }
    if (DestinationString->Buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (chars + 1 > DestinationString->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (size_t i = 0; i < chars; i++) {
        WCHAR unit = SourceString->Buffer[i];
        DestinationString->Buffer[i] = (CHAR)(unit > 0xFF ? '?' : unit);
    }
    DestinationString->Buffer[chars] = '\0';
    DestinationString->Length = (USHORT)chars;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString,
                                            PCANSI_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    size_t bytes = (size_t)SourceString->Length * sizeof(WCHAR);
    NTSTATUS status = make_room(DestinationString, bytes, AllocateDestinationString);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    for (size_t i = 0; i < SourceString->Length; i++) {
        DestinationString->Buffer[i] = (UCHAR)SourceString->Buffer[i];
    }
    DestinationString->Length = (USHORT)bytes;
    terminate(DestinationString);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    if (UnicodeString->Buffer != NULL) {
        ExFreePoolWithTag(UnicodeString->Buffer, 0);
        RtlZeroMemory(UnicodeString, sizeof(*UnicodeString));
    }
}

VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    if (AnsiString->Buffer != NULL) {
        ExFreePoolWithTag(AnsiString->Buffer, 0);
        RtlZeroMemory(AnsiString, sizeof(*AnsiString));
    }
}

/* --- numbers --- */

/** Skips white space, sign and prefix; \return the base, 0 = not one of 2, 8, 10, 16. */
static ULONG number_begin(PCUNICODE_STRING string, ULONG base, size_t *at, bool *negative)
{
    size_t chars = string->Length / sizeof(WCHAR);
    const WCHAR *text = string->Buffer;

    *negative = false;
    while (*at < chars && text[*at] <= ' ') {
        ++*at;
    }
    if (*at < chars && (text[*at] == '+' || text[*at] == '-')) {
        *negative = text[(*at)++] == '-';
    }
    if (base == 0) {
        base = 10;
        if (*at + 1 < chars && text[*at] == '0') {
            WCHAR kind = text[*at + 1];
            ULONG prefixed = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
            *at += prefixed != 0 ? 2 : 0;
            base = prefixed != 0 ? prefixed : 10;
        }
    }
    return base == 2 || base == 8 || base == 10 || base == 16 ? base : 0;
}

static ULONG digit_of(WCHAR unit)
{
    return unit >= '0' && unit <= '9'   ? unit - '0'
           : unit >= 'a' && unit <= 'f' ? unit - 'a' + 10
           : unit >= 'A' && unit <= 'F' ? unit - 'A' + 10
                                        : 99;
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    size_t at = 0;
    bool negative;
    ULONG value = 0;
    ULONG base = number_begin(String, Base, &at, &negative);

    if (base == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    for (; at < String->Length / sizeof(WCHAR) && digit_of(String->Buffer[at]) < base; at++) {
        value = value * base + digit_of(String->Buffer[at]); /* Wraps, as on Windows. */
    }
    *Value = negative ? 0u - value : value;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    WCHAR digits[65];
    size_t at = RTL_NUMBER_OF(digits) - 1;
    ULONG base = Base == 0 ? 10 : Base;

    if (base != 2 && base != 8 && base != 10 && base != 16) {
        return STATUS_INVALID_PARAMETER;
    }
    digits[at] = 0;
    do {
        digits[--at] = (WCHAR) "0123456789ABCDEF"[Value % base];
        Value /= base;
    } while (Value != 0);
    size_t bytes = (RTL_NUMBER_OF(digits) - 1 - at) * sizeof(WCHAR);
    if (bytes > String->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(String->Buffer, digits + at, bytes);
    String->Length = (USHORT)bytes;
    terminate(String);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return RtlInt64ToUnicodeString(Value, Base, String);
}

/* --- GUIDs --- */

#define GUID_CHARS 38

NTSTATUS NTAPI RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    const UCHAR *d = Guid->Data4;
    char text[GUID_CHARS + 1];
    NTSTATUS status = make_room(GuidString, GUID_CHARS * sizeof(WCHAR), TRUE);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    snprintf(text, sizeof(text), "{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", Guid->Data1,
             Guid->Data2, Guid->Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
    for (size_t i = 0; i <= GUID_CHARS; i++) {
        GuidString->Buffer[i] = (WCHAR)text[i];
    }
    GuidString->Length = GUID_CHARS * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    static const char shape[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
    UCHAR nibbles[32];
    size_t count = 0;

    if (GuidString->Length != GUID_CHARS * sizeof(WCHAR)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (size_t i = 0; i < GUID_CHARS; i++) {
        WCHAR unit = GuidString->Buffer[i];
        if (shape[i] != 'x' ? unit != (WCHAR)shape[i] : digit_of(unit) > 15) {
            return STATUS_INVALID_PARAMETER;
        }
        if (shape[i] == 'x') {
            nibbles[count++] = (UCHAR)digit_of(unit);
        }
    }
    UCHAR bytes[16];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (UCHAR)(nibbles[2 * i] << 4 | nibbles[2 * i + 1]);
    }
    Guid->Data1 = (ULONG)bytes[0] << 24 | (ULONG)bytes[1] << 16 | (ULONG)bytes[2] << 8 | bytes[3];
    Guid->Data2 = (USHORT)(bytes[4] << 8 | bytes[5]);
    Guid->Data3 = (USHORT)(bytes[6] << 8 | bytes[7]);
    memcpy(Guid->Data4, bytes + 8, sizeof(Guid->Data4));
    return STATUS_SUCCESS;
}

/* --- version --- */

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    VersionInformation->dwMajorVersion = 10;
    VersionInformation->dwMinorVersion = 0;
    VersionInformation->dwBuildNumber = 16299; /* Windows 10 1709. */
    VersionInformation->dwPlatformId = 2;
    memset(VersionInformation->szCSDVersion, 0, sizeof(VersionInformation->szCSDVersion));
    return STATUS_SUCCESS;
}
