/*
 * Who asks: two processes (the system's, and that of the people who call the host API), their
 * tokens, and impersonation. A token here is a kind of user (administrator or not) and a POSIX uid,
 * against which file.c checks an open that carries OBJ_FORCE_ACCESS_CHECK. The POSIX process never
 * changes its own uid.
 */
#include "nt/io_internal.h"

#include <pthread.h>
#include <unistd.h>

#define SYSTEM_PROCESS_ID 4
#define USER_PROCESS_ID   1000

/** A token object. Never changes once it is made. */
struct token {
    struct nt_token identity;
    TOKEN_TYPE type;
};

struct nt_process {
    DISPATCHER_HEADER header;
    uint32_t id;
    struct token *token; /* Primary; `lock`. */
};

static const struct nt_object_type token_type = {.name = "Token"};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct nt_process system_process = {.id = SYSTEM_PROCESS_ID};
static struct nt_process user_process = {.id = USER_PROCESS_ID};

static struct token *token_create(TOKEN_TYPE type, enum host_user user, unsigned uid)
{
    struct token *token = nt_object_create(&token_type, sizeof(*token));

    if (token != NULL) {
        token->identity = (struct nt_token){.user = user, .uid = uid};
        token->type = type;
    }
    return token;
}

static struct nt_process *process_of(const struct nt_thread *thread)
{
    return thread->system || thread->service ? &system_process : &user_process;
}

/** The primary token, referenced. */
static struct token *process_token(struct nt_process *process)
{
    pthread_mutex_lock(&lock);
    struct token *token = process->token;
    nt_object_reference(token);
    pthread_mutex_unlock(&lock);
    return token;
}

static void process_set_token(struct nt_process *process, struct token *token)
{
    pthread_mutex_lock(&lock);
    struct token *old = process->token;
    process->token = token;
    pthread_mutex_unlock(&lock);
    if (old != NULL) {
        nt_object_dereference(old);
    }
}

void security_boot(void)
{
    process_set_token(&system_process,
                      token_create(TokenPrimary, HOST_USER_ADMINISTRATOR, geteuid()));
    process_set_token(&user_process,
                      token_create(TokenPrimary, HOST_USER_ADMINISTRATOR, geteuid()));
}

void security_halt(void)
{
    process_set_token(&system_process, NULL);
    process_set_token(&user_process, NULL);
}

uint64_t security_token_count(void)
{
    uint64_t own = (system_process.token != NULL) + (user_process.token != NULL);

    return nt_object_count_of(&token_type, NULL) - own;
}

void host_set_user(enum host_user user, unsigned unix_uid)
{
    process_set_token(process_of(sched_current()),
                      token_create(TokenPrimary, user, unix_uid != 0 ? unix_uid : geteuid()));
}

enum host_user host_get_user(unsigned *unix_uid)
{
    struct token *token = process_token(process_of(sched_current()));
    struct nt_token identity = token->identity;

    nt_object_dereference(token);
    *unix_uid = identity.uid == geteuid() ? 0 : identity.uid;
    return identity.user;
}

/** The token that the thread acts with, referenced. */
static struct token *thread_token(const struct nt_thread *thread)
{
    if (thread->token != NULL) {
        nt_object_reference(thread->token);
        return thread->token;
    }
    return process_token(process_of(thread));
}

struct nt_token nt_token_effective(void)
{
    struct token *token = thread_token(sched_current());
    struct nt_token identity = token->identity;

    nt_object_dereference(token);
    return identity;
}

/* --- processes --- */

PEPROCESS NTAPI IoGetCurrentProcess(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return (PEPROCESS)process_of(sched_current());
}

HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return ULongToHandle(process_of(sched_current())->id);
}

PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PETHREAD thread = Irp->Tail.Overlay.Thread;

    return thread == NULL ? NULL : (PEPROCESS)process_of((struct nt_thread *)thread);
}

ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    PEPROCESS process = IoGetRequestorProcess(Irp);

    return process == NULL ? 0 : ((struct nt_process *)process)->id;
}

BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp)
{
    NT_ROUTINE(HIGH_LEVEL);
    UNREFERENCED_PARAMETER(Irp);
    return FALSE;
}

/* --- tokens --- */

static struct token *token_checked(PACCESS_TOKEN token, TOKEN_TYPE type)
{
    struct token *checked = token;

    if (nt_object_type_of(token) != &token_type || checked->type != type) {
        verifier_bugcheck_at(RULE_TOKEN_TYPE, (uintptr_t)&token_type, (uintptr_t)token, type, 0,
                             "a token is given back with the routine for %s tokens",
                             type == TokenPrimary ? "primary" : "impersonation");
    }
    return checked;
}

BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return ((struct token *)Token)->identity.user == HOST_USER_ADMINISTRATOR;
}

TOKEN_TYPE NTAPI SeTokenType(PACCESS_TOKEN Token)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return ((struct token *)Token)->type;
}

PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return process_token((struct nt_process *)Process);
}

VOID NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    nt_object_dereference(token_checked(PrimaryToken, TokenPrimary));
}

PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen,
                                                  PBOOLEAN EffectiveOnly,
                                                  PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct nt_thread *thread = (struct nt_thread *)Thread;

    if (thread->token == NULL) {
        return NULL;
    }
    *CopyOnOpen = FALSE;
    *EffectiveOnly = FALSE;
    *ImpersonationLevel = SecurityImpersonation;
    nt_object_reference(thread->token);
    return thread->token;
}

VOID NTAPI PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    nt_object_dereference(token_checked(ImpersonationToken, TokenImpersonation));
}

/* --- the client of a request --- */

/** Keeps the client's token: a copy of its own when tracking is static, the very token when it is
 *  dynamic. */
static NTSTATUS client_capture(struct token *token, const SECURITY_QUALITY_OF_SERVICE *qos,
                               BOOLEAN remote, PSECURITY_CLIENT_CONTEXT context)
{
    memset(context, 0, sizeof(*context));
    context->SecurityQos = *qos;
    context->ServerIsRemote = remote;
    if (qos->ContextTrackingMode == SECURITY_DYNAMIC_TRACKING) {
        nt_object_reference(token);
        context->DirectlyAccessClientToken = TRUE;
    } else {
        token = token_create(TokenImpersonation, token->identity.user, token->identity.uid);
    }
    context->ClientToken = token;
    return token != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI SeCreateClientSecurity(PETHREAD ClientThread,
                                      PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                      BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct token *token = thread_token((struct nt_thread *)ClientThread);
    NTSTATUS status = client_capture(token, ClientSecurityQos, RemoteSession, ClientContext);

    nt_object_dereference(token);
    return status;
}

NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(
    PSECURITY_SUBJECT_CONTEXT SubjectContext, PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
    BOOLEAN ServerIsRemote, PSECURITY_CLIENT_CONTEXT ClientContext)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return client_capture(SeQuerySubjectContextToken(SubjectContext), ClientSecurityQos,
                          ServerIsRemote, ClientContext);
}

NTSTATUS NTAPI SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct nt_thread *thread =
        ServerThread != NULL ? (struct nt_thread *)ServerThread : sched_current();
    void *old = thread->token;

    if (ClientContext->SecurityQos.ImpersonationLevel < SecurityImpersonation) {
        return STATUS_BAD_IMPERSONATION_LEVEL;
    }
    nt_object_reference(ClientContext->ClientToken);
    thread->token = ClientContext->ClientToken;
    if (old != NULL) {
        nt_object_dereference(old);
    }
    return STATUS_SUCCESS;
}

VOID NTAPI PsRevertToSelf(VOID)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct nt_thread *thread = sched_current();
    void *old = thread->token;

    thread->token = NULL;
    if (old != NULL) {
        nt_object_dereference(old);
    }
}

VOID NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct nt_thread *thread = sched_current();

    memset(SubjectContext, 0, sizeof(*SubjectContext));
    if (thread->token != NULL) {
        nt_object_reference(thread->token);
        SubjectContext->ClientToken = thread->token;
        SubjectContext->ImpersonationLevel = SecurityImpersonation;
    }
    SubjectContext->PrimaryToken = process_token(process_of(thread));
    SubjectContext->ProcessAuditId = ULongToHandle(process_of(thread)->id);
}

VOID NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    if (SubjectContext->ClientToken != NULL) {
        nt_object_dereference(SubjectContext->ClientToken);
    }
    nt_object_dereference(SubjectContext->PrimaryToken);
    SubjectContext->ClientToken = NULL;
    SubjectContext->PrimaryToken = NULL;
}

/** Tokens here never change, so there is nothing to keep still. */
VOID NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    UNREFERENCED_PARAMETER(SubjectContext);
}

VOID NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    UNREFERENCED_PARAMETER(SubjectContext);
}

/* --- privileges --- */

/** What a standard user holds on Windows: bypassing directory checks, shutting down, and a few that
 *  do not matter here. */
static bool identity_holds(struct nt_token identity, LUID privilege)
{
    bool known = privilege.HighPart == 0 && privilege.LowPart >= SE_MIN_WELL_KNOWN_PRIVILEGE &&
                 privilege.LowPart <= 36;

    if (identity.user == HOST_USER_ADMINISTRATOR) {
        return known && privilege.LowPart != SE_TCB_PRIVILEGE;
    }
    return privilege.HighPart == 0 && (privilege.LowPart == SE_CHANGE_NOTIFY_PRIVILEGE ||
                                       privilege.LowPart == SE_SHUTDOWN_PRIVILEGE);
}

BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return PreviousMode == KernelMode || identity_holds(nt_token_effective(), PrivilegeValue);
}

BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges,
                               PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                               KPROCESSOR_MODE AccessMode)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    const struct token *token = SeQuerySubjectContextToken(SubjectSecurityContext);
    ULONG held = 0;

    if (AccessMode == KernelMode) {
        return TRUE;
    }
    for (ULONG i = 0; i < RequiredPrivileges->PrivilegeCount; i++) {
        held += identity_holds(token->identity, RequiredPrivileges->Privilege[i].Luid);
    }
    return (RequiredPrivileges->Control & PRIVILEGE_SET_ALL_NECESSARY) != 0
               ? held == RequiredPrivileges->PrivilegeCount
               : held != 0;
}
