/*
 * The basic types of Windows NT for the native Linux build of a driver: integers of fixed width,
 * counted strings, list entries, status, calling convention. Written for this project with the
 * WDK's names and x64 layouts (tests/abi compares them with mingw's headers). `long` is 8 bytes on
 * Linux and 4 on Windows, so nothing here may ever be a `long`; WCHAR is 16 bits wide in every
 * file, whether or not the compiler was given -fshort-wchar (only then is L"..." a WCHAR string).
 */
#pragma once

#include <sal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <guiddef.h>

/* Which Windows the headers describe: Windows 10 1709 (RS3) on x64. */
#define NTDDI_WIN7       0x06010000
#define NTDDI_WIN8       0x06020000
#define NTDDI_WINBLUE    0x06030000
#define NTDDI_WIN10      0x0A000000
#define NTDDI_WIN10_RS1  0x0A000002
#define NTDDI_WIN10_RS2  0x0A000003
#define NTDDI_WIN10_RS3  0x0A000004
#define NTDDI_WIN10_RS4  0x0A000005
#define NTDDI_WIN10_RS5  0x0A000006
#define NTDDI_WIN10_19H1 0x0A000007
#define NTDDI_WIN10_VB   0x0A000008
#ifndef NTDDI_VERSION
#define NTDDI_VERSION NTDDI_WIN10_RS3
#endif

/** Checked (1) or free (0) build of the driver. */
#ifndef DBG
#define DBG 0
#endif

/* Calling convention: every NT routine and callback uses the Windows x64 one, so that a native
 * driver and a .sys call the same host functions. */
#if defined(__x86_64__)
#define NTAPI __attribute__((ms_abi))
#else
#define NTAPI
#endif
#define FASTCALL NTAPI
#define CDECL    NTAPI
#define STDCALL  NTAPI

/* Linkage and layout. An imported routine must stay visible however the rest is compiled. */
#define DECLSPEC_IMPORT     __attribute__((visibility("default")))
#define NTSYSAPI            DECLSPEC_IMPORT
#define NTKERNELAPI         DECLSPEC_IMPORT
#define NTHALAPI            DECLSPEC_IMPORT
#define DECLSPEC_ALIGN(n)   __attribute__((aligned(n)))
#define DECLSPEC_NORETURN   __attribute__((noreturn))
#define DECLSPEC_NOINLINE   __attribute__((noinline))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define DECLSPEC_SELECTANY  __attribute__((weak))
#define DECLSPEC_DEPRECATED_DDK
#define POINTER_ALIGNMENT           DECLSPEC_ALIGN(8)
#define MEMORY_ALLOCATION_ALIGNMENT 16
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64
#define UNALIGNED
#define RESTRICTED_POINTER __restrict
#define FORCEINLINE        static inline __attribute__((always_inline, unused))
#define CFORCEINLINE       FORCEINLINE
#define INLINE             static inline __attribute__((unused))

/* Integers and characters. */
#define VOID     void
#define CONST    const
#define VOLATILE volatile
typedef char CHAR, CCHAR;
typedef uint16_t WCHAR;
typedef int16_t SHORT, CSHORT;
typedef int32_t LONG, INT, BOOL;
typedef int64_t LONGLONG, LONG64, INT64, LONG_PTR, INT_PTR, SSIZE_T;
typedef uint8_t UCHAR, BYTE, BOOLEAN, UINT8;
typedef uint16_t USHORT, WORD, UINT16;
typedef uint32_t ULONG, DWORD, UINT, UINT32, ULONG32, DWORD32;
typedef uint64_t ULONGLONG, ULONG64, DWORDLONG, UINT64, DWORD64;
typedef uint64_t ULONG_PTR, DWORD_PTR, UINT_PTR, SIZE_T;
typedef int8_t INT8;
typedef int16_t INT16;
typedef int32_t INT32, LONG32;

typedef void *PVOID, *HANDLE;
typedef PVOID *PPVOID;
typedef HANDLE *PHANDLE;
typedef char *PCHAR, *PSTR, *PSZ, *LPSTR;
typedef const char *PCSTR, *PCSZ, *LPCSTR, *PCCH;
typedef WCHAR *PWCHAR, *PWCH, *PWSTR, *LPWSTR, *PZZWSTR;
typedef const WCHAR *PCWSTR, *PCWCH, *LPCWSTR, *PCZZWSTR;
typedef SHORT *PSHORT;
typedef LONG *PLONG;
typedef LONGLONG *PLONGLONG, *PLONG64;
typedef UCHAR *PUCHAR, *PBOOLEAN, *PBYTE;
typedef USHORT *PUSHORT, *PWORD;
typedef ULONG *PULONG, *PDWORD;
typedef ULONGLONG *PULONGLONG, *PULONG64;
typedef ULONG_PTR *PULONG_PTR;
typedef SIZE_T *PSIZE_T;
typedef const UCHAR *PCUCHAR;
typedef const void *PCVOID, *LPCVOID;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif
#define UNICODE_NULL ((WCHAR)0)
#define ANSI_NULL    ((CHAR)0)

#define MINCHAR      0x80
#define MAXCHAR      INT8_MAX
#define MAXUCHAR     UINT8_MAX
#define MAXSHORT     INT16_MAX
#define MAXUSHORT    UINT16_MAX
#define MINLONG      0x80000000u
#define MAXLONG      INT32_MAX
#define MAXULONG     UINT32_MAX
#define MAXLONGLONG  INT64_MAX
#define MAXULONGLONG UINT64_MAX
#define MAXULONG_PTR UINT64_MAX

typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef ULONG LCID;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef LONG KPRIORITY;
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;

/* Status: the top two bits are the severity. */
typedef LONG NTSTATUS, *PNTSTATUS;
#define NT_SUCCESS(status)     (((NTSTATUS)(status)) >= 0)
#define NT_INFORMATION(status) ((((ULONG)(status)) >> 30) == 1)
#define NT_WARNING(status)     ((((ULONG)(status)) >> 30) == 2)
#define NT_ERROR(status)       ((((ULONG)(status)) >> 30) == 3)

/** A signed 64-bit quantity that the older interfaces also see as two halves. */
typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

/** The unsigned twin of LARGE_INTEGER. */
typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

/** A locally unique identifier: names a privilege, a token. */
typedef struct _LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID, *PLUID;

/** A counted UTF-16 string; Length and MaximumLength are in bytes, and no NUL need follow. */
typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

/** A counted 8-bit string. */
typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING;
typedef const STRING *PCSTRING, *PCANSI_STRING;

#define RTL_CONSTANT_STRING(s)                                                                     \
    {                                                                                              \
        sizeof(s) - sizeof((s)[0]), sizeof(s), (__typeof__(&(s)[0]))(s)                            \
    }
#define DECLARE_CONST_UNICODE_STRING(name, text)                                                   \
    const WCHAR name##_buffer[] = text;                                                            \
    const UNICODE_STRING name = {sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCH)name##_buffer}
#define DECLARE_UNICODE_STRING_SIZE(name, chars)                                                   \
    WCHAR name##_buffer[chars];                                                                    \
    UNICODE_STRING name = {0, (chars) * sizeof(WCHAR), name##_buffer}

/** A link of a doubly linked list, and its head; an empty head points at itself. */
typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

/** A link of a singly linked list. */
typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

/** What an open call names: a path, relative to a directory handle or not, and how to treat it. */
typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

/* OBJECT_ATTRIBUTES.Attributes. Without OBJ_FORCE_ACCESS_CHECK an open from kernel mode checks
 * nothing, impersonation or not. */
#define OBJ_INHERIT                       0x00000002u
#define OBJ_PERMANENT                     0x00000010u
#define OBJ_EXCLUSIVE                     0x00000020u
#define OBJ_CASE_INSENSITIVE              0x00000040u
#define OBJ_OPENIF                        0x00000080u
#define OBJ_OPENLINK                      0x00000100u
#define OBJ_KERNEL_HANDLE                 0x00000200u
#define OBJ_FORCE_ACCESS_CHECK            0x00000400u
#define OBJ_IGNORE_IMPERSONATED_DEVICEMAP 0x00000800u
#define OBJ_DONT_REPARSE                  0x00001000u
#define OBJ_VALID_ATTRIBUTES              0x00001FF2u

#define InitializeObjectAttributes(p, name, attributes, root, security)                            \
    do {                                                                                           \
        (p)->Length = sizeof(OBJECT_ATTRIBUTES);                                                   \
        (p)->RootDirectory = (root);                                                               \
        (p)->Attributes = (attributes);                                                            \
        (p)->ObjectName = (name);                                                                  \
        (p)->SecurityDescriptor = (security);                                                      \
        (p)->SecurityQualityOfService = NULL;                                                      \
    } while (0)
#define RTL_CONSTANT_OBJECT_ATTRIBUTES(name, attributes)                                           \
    {                                                                                              \
        sizeof(OBJECT_ATTRIBUTES), NULL, (PUNICODE_STRING)(name), (attributes), NULL, NULL         \
    }

/* Names for common expressions. */
#define C_ASSERT(e)                           _Static_assert(e, #e)
#define FIELD_OFFSET(type, field)             ((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field)            ((ULONG)offsetof(type, field))
#define FIELD_SIZE(type, field)               (sizeof(((type *)0)->field))
#define RTL_FIELD_SIZE(type, field)           (sizeof(((type *)0)->field))
#define RTL_SIZEOF_THROUGH_FIELD(type, field) (offsetof(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_CONTAINS_FIELD(s, size, field)                                                         \
    ((((PCHAR)(&(s)->field)) + sizeof((s)->field)) <= (((PCHAR)(s)) + (size)))
#define RTL_NUMBER_OF(a) (sizeof(a) / sizeof((a)[0]))
#define ARRAYSIZE(a)     RTL_NUMBER_OF(a)
#define RTL_BITS_OF(x)   (sizeof(x) * 8)
#define CONTAINING_RECORD(address, type, field)                                                    \
    ((type *)(void *)((char *)(address)-offsetof(type, field)))
#define ARGUMENT_PRESENT(p)                ((p) != NULL)
#define UNREFERENCED_PARAMETER(p)          ((void)(p))
#define DBG_UNREFERENCED_PARAMETER(p)      ((void)(p))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(v) ((void)(v))
#define DEFAULT_UNREACHABLE                                                                        \
    default:                                                                                       \
        __builtin_unreachable()
#define MAKEULONGLONG(low, high)         (((ULONGLONG)(ULONG)(high) << 32) | (ULONG)(low))
#define ALIGN_DOWN_BY(length, alignment) ((ULONG_PTR)(length) & ~((ULONG_PTR)(alignment)-1))
#define ALIGN_UP_BY(length, alignment)                                                             \
    (ALIGN_DOWN_BY(((ULONG_PTR)(length) + (alignment)-1), alignment))
#define ALIGN_DOWN(length, type)                  ALIGN_DOWN_BY(length, sizeof(type))
#define ALIGN_UP(length, type)                    ALIGN_UP_BY(length, sizeof(type))
#define ALIGN_DOWN_POINTER_BY(address, alignment) ((PVOID)ALIGN_DOWN_BY(address, alignment))
#define ALIGN_UP_POINTER_BY(address, alignment)   ((PVOID)ALIGN_UP_BY(address, alignment))
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif

#define PtrToUlong(p)    ((ULONG)(ULONG_PTR)(p))
#define PtrToLong(p)     ((LONG)(LONG_PTR)(p))
#define UlongToPtr(v)    ((PVOID)(ULONG_PTR)(ULONG)(v))
#define LongToPtr(v)     ((PVOID)(LONG_PTR)(LONG)(v))
#define HandleToULong(h) ((ULONG)(ULONG_PTR)(h))
#define HandleToUlong(h) ((ULONG)(ULONG_PTR)(h))
#define ULongToHandle(v) ((HANDLE)(ULONG_PTR)(ULONG)(v))
#define UlongToHandle(v) ((HANDLE)(ULONG_PTR)(ULONG)(v))

C_ASSERT(sizeof(LARGE_INTEGER) == 8 && sizeof(UNICODE_STRING) == 16 && sizeof(LIST_ENTRY) == 16);
C_ASSERT(sizeof(GUID) == 16 && sizeof(LUID) == 8 && sizeof(OBJECT_ATTRIBUTES) == 48);
