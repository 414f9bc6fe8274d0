/*
 * Security: privileges, the subject of a request, and the token types that wdm.h names.
 * Impersonation itself belongs to ntifs.h. \see host/nt
 */
#pragma once

typedef PVOID PACCESS_TOKEN;

typedef enum _SECURITY_IMPERSONATION_LEVEL {
    SecurityAnonymous,
    SecurityIdentification,
    SecurityImpersonation,
    SecurityDelegation
} SECURITY_IMPERSONATION_LEVEL,
    *PSECURITY_IMPERSONATION_LEVEL;

typedef BOOLEAN SECURITY_CONTEXT_TRACKING_MODE, *PSECURITY_CONTEXT_TRACKING_MODE;
#define SECURITY_DYNAMIC_TRACKING ((BOOLEAN)TRUE)
#define SECURITY_STATIC_TRACKING  ((BOOLEAN)FALSE)

/** How far a server may act as the client. */
typedef struct _SECURITY_QUALITY_OF_SERVICE {
    ULONG Length;
    SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
    SECURITY_CONTEXT_TRACKING_MODE ContextTrackingMode;
    BOOLEAN EffectiveOnly;
} SECURITY_QUALITY_OF_SERVICE, *PSECURITY_QUALITY_OF_SERVICE;

/** Whose request this is: the impersonated client if any, and the process. */
typedef struct _SECURITY_SUBJECT_CONTEXT {
    PACCESS_TOKEN ClientToken;
    SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
    PACCESS_TOKEN PrimaryToken;
    PVOID ProcessAuditId;
} SECURITY_SUBJECT_CONTEXT, *PSECURITY_SUBJECT_CONTEXT;

#define SE_PRIVILEGE_ENABLED_BY_DEFAULT 0x00000001u
#define SE_PRIVILEGE_ENABLED            0x00000002u
#define PRIVILEGE_SET_ALL_NECESSARY     1u

typedef struct _LUID_AND_ATTRIBUTES {
    LUID Luid;
    ULONG Attributes;
} LUID_AND_ATTRIBUTES, *PLUID_AND_ATTRIBUTES;

typedef struct _PRIVILEGE_SET {
    ULONG PrivilegeCount;
    ULONG Control;
    LUID_AND_ATTRIBUTES Privilege[1];
} PRIVILEGE_SET, *PPRIVILEGE_SET;

/* Privileges, as the low part of their LUID. */
#define SE_MIN_WELL_KNOWN_PRIVILEGE 2
#define SE_TCB_PRIVILEGE            7
#define SE_SECURITY_PRIVILEGE       8
#define SE_LOAD_DRIVER_PRIVILEGE    10
#define SE_BACKUP_PRIVILEGE         17
#define SE_RESTORE_PRIVILEGE        18
#define SE_SHUTDOWN_PRIVILEGE       19
#define SE_DEBUG_PRIVILEGE          20
#define SE_CHANGE_NOTIFY_PRIVILEGE  23
#define SE_MANAGE_VOLUME_PRIVILEGE  28
#define SE_IMPERSONATE_PRIVILEGE    29

NTKERNELAPI BOOLEAN NTAPI SeSinglePrivilegeCheck(_In_ LUID PrivilegeValue,
                                                 _In_ KPROCESSOR_MODE PreviousMode);
NTKERNELAPI VOID NTAPI SeCaptureSubjectContext(_Out_ PSECURITY_SUBJECT_CONTEXT SubjectContext);
NTKERNELAPI VOID NTAPI SeLockSubjectContext(_In_ PSECURITY_SUBJECT_CONTEXT SubjectContext);
NTKERNELAPI VOID NTAPI SeUnlockSubjectContext(_In_ PSECURITY_SUBJECT_CONTEXT SubjectContext);
NTKERNELAPI VOID NTAPI SeReleaseSubjectContext(_Inout_ PSECURITY_SUBJECT_CONTEXT SubjectContext);
NTKERNELAPI BOOLEAN NTAPI SePrivilegeCheck(_Inout_ PPRIVILEGE_SET RequiredPrivileges,
                                           _In_ PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                                           _In_ KPROCESSOR_MODE AccessMode);

#define SeQuerySubjectContextToken(context)                                                        \
    ((context)->ClientToken != NULL ? (context)->ClientToken : (context)->PrimaryToken)

C_ASSERT(sizeof(SECURITY_QUALITY_OF_SERVICE) == 12 && sizeof(SECURITY_SUBJECT_CONTEXT) == 0x20);
C_ASSERT(sizeof(PRIVILEGE_SET) == 20);
