/*
 * ntifs.h for the native Linux build: ntddk.h and what a driver that opens files for its caller
 * needs besides: impersonation, whole-file queries, sparse files. Sits on top of all the others.
 */
#pragma once

#include <ntddk.h>

/* ---- Tokens and impersonation. A worker opens a file with the rights of the thread that asked:
 * capture the client's context in the caller's thread, impersonate it in the worker, revert. */
typedef enum _TOKEN_TYPE { TokenPrimary = 1, TokenImpersonation } TOKEN_TYPE;

typedef struct _TOKEN_SOURCE {
    CHAR SourceName[8];
    LUID SourceIdentifier;
} TOKEN_SOURCE, *PTOKEN_SOURCE;

typedef struct _TOKEN_CONTROL {
    LUID TokenId;
    LUID AuthenticationId;
    LUID ModifiedId;
    TOKEN_SOURCE TokenSource;
} TOKEN_CONTROL, *PTOKEN_CONTROL;

/** A captured client: a referenced token, and how it may be used. */
typedef struct _SECURITY_CLIENT_CONTEXT {
    SECURITY_QUALITY_OF_SERVICE SecurityQos;
    PACCESS_TOKEN ClientToken;
    BOOLEAN DirectlyAccessClientToken;
    BOOLEAN DirectAccessEffectiveOnly;
    BOOLEAN ServerIsRemote;
    TOKEN_CONTROL ClientTokenControl;
} SECURITY_CLIENT_CONTEXT, *PSECURITY_CLIENT_CONTEXT;

NTKERNELAPI NTSTATUS NTAPI SeCreateClientSecurity(
    _In_ PETHREAD ClientThread, _In_ PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
    _In_ BOOLEAN RemoteSession, _Out_ PSECURITY_CLIENT_CONTEXT ClientContext);
NTKERNELAPI NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(
    _In_ PSECURITY_SUBJECT_CONTEXT SubjectContext,
    _In_ PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos, _In_ BOOLEAN ServerIsRemote,
    _Out_ PSECURITY_CLIENT_CONTEXT ClientContext);
NTKERNELAPI NTSTATUS NTAPI SeImpersonateClientEx(_In_ PSECURITY_CLIENT_CONTEXT ClientContext,
                                                 _In_opt_ PETHREAD ServerThread);
NTKERNELAPI BOOLEAN NTAPI SeTokenIsAdmin(_In_ PACCESS_TOKEN Token);
NTKERNELAPI TOKEN_TYPE NTAPI SeTokenType(_In_ PACCESS_TOKEN Token);
NTKERNELAPI VOID NTAPI PsRevertToSelf(VOID);
NTKERNELAPI PACCESS_TOKEN NTAPI PsReferencePrimaryToken(_Inout_ PEPROCESS Process);
NTKERNELAPI VOID NTAPI PsDereferencePrimaryToken(_In_ PACCESS_TOKEN PrimaryToken);
NTKERNELAPI PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(
    _Inout_ PETHREAD Thread, _Out_ PBOOLEAN CopyOnOpen, _Out_ PBOOLEAN EffectiveOnly,
    _Out_ PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
NTKERNELAPI VOID NTAPI PsDereferenceImpersonationToken(_In_ PACCESS_TOKEN ImpersonationToken);
NTKERNELAPI BOOLEAN NTAPI PsIsThreadTerminating(_In_ PETHREAD Thread);

/** Drops the token that SeCreateClientSecurity referenced. \irql{PASSIVE_LEVEL} */
FORCEINLINE VOID SeDeleteClientSecurity(_Inout_ PSECURITY_CLIENT_CONTEXT ClientContext)
{
    if (SeTokenType(ClientContext->ClientToken) == TokenPrimary) {
        PsDereferencePrimaryToken(ClientContext->ClientToken);
    } else {
        PsDereferenceImpersonationToken(ClientContext->ClientToken);
    }
}

/* ---- Names, volumes and file-system control. */
NTKERNELAPI NTSTATUS NTAPI ObQueryNameString(_In_ PVOID Object,
                                             _Out_writes_bytes_opt_(Length)
                                                 POBJECT_NAME_INFORMATION ObjectNameInfo,
                                             _In_ ULONG Length, _Out_ PULONG ReturnLength);
NTSYSAPI NTSTATUS NTAPI ZwQueryVolumeInformationFile(_In_ HANDLE FileHandle,
                                                     _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                                     _Out_writes_bytes_(Length) PVOID FsInformation,
                                                     _In_ ULONG Length,
                                                     _In_ FS_INFORMATION_CLASS FsInformationClass);
NTSYSAPI NTSTATUS NTAPI ZwFlushBuffersFile(_In_ HANDLE FileHandle,
                                           _Out_ PIO_STATUS_BLOCK IoStatusBlock);
NTSYSAPI NTSTATUS NTAPI ZwFsControlFile(_In_ HANDLE FileHandle, _In_opt_ HANDLE Event,
                                        _In_opt_ PIO_APC_ROUTINE ApcRoutine,
                                        _In_opt_ PVOID ApcContext,
                                        _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                        _In_ ULONG FsControlCode, _In_opt_ PVOID InputBuffer,
                                        _In_ ULONG InputBufferLength, _Out_opt_ PVOID OutputBuffer,
                                        _In_ ULONG OutputBufferLength);
NTSYSAPI NTSTATUS NTAPI ZwDeviceIoControlFile(
    _In_ HANDLE FileHandle, _In_opt_ HANDLE Event, _In_opt_ PIO_APC_ROUTINE ApcRoutine,
    _In_opt_ PVOID ApcContext, _Out_ PIO_STATUS_BLOCK IoStatusBlock, _In_ ULONG IoControlCode,
    _In_opt_ PVOID InputBuffer, _In_ ULONG InputBufferLength, _Out_opt_ PVOID OutputBuffer,
    _In_ ULONG OutputBufferLength);

/* Control codes of file systems: sparse backing files, and a volume about to go. */
#define FSCTL(function, method, access) CTL_CODE(FILE_DEVICE_FILE_SYSTEM, function, method, access)

#define FSCTL_LOCK_VOLUME            FSCTL(6, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_UNLOCK_VOLUME          FSCTL(7, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_DISMOUNT_VOLUME        FSCTL(8, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_SET_SPARSE             FSCTL(49, METHOD_BUFFERED, FILE_SPECIAL_ACCESS)
#define FSCTL_SET_ZERO_DATA          FSCTL(50, METHOD_BUFFERED, FILE_WRITE_DATA)
#define FSCTL_QUERY_ALLOCATED_RANGES FSCTL(51, METHOD_NEITHER, FILE_READ_DATA)

/** Input of FSCTL_SET_SPARSE; without it the call sets the attribute. */
typedef struct _FILE_SET_SPARSE_BUFFER {
    BOOLEAN SetSparse;
} FILE_SET_SPARSE_BUFFER, *PFILE_SET_SPARSE_BUFFER;

/** Input of FSCTL_SET_ZERO_DATA: from FileOffset up to, not including, BeyondFinalZero. */
typedef struct _FILE_ZERO_DATA_INFORMATION {
    LARGE_INTEGER FileOffset;
    LARGE_INTEGER BeyondFinalZero;
} FILE_ZERO_DATA_INFORMATION, *PFILE_ZERO_DATA_INFORMATION;

/** Input (one) and output (many) of FSCTL_QUERY_ALLOCATED_RANGES. */
typedef struct _FILE_ALLOCATED_RANGE_BUFFER {
    LARGE_INTEGER FileOffset;
    LARGE_INTEGER Length;
} FILE_ALLOCATED_RANGE_BUFFER, *PFILE_ALLOCATED_RANGE_BUFFER;

C_ASSERT(sizeof(SECURITY_CLIENT_CONTEXT) == 0x48 && sizeof(TOKEN_CONTROL) == 0x28);
