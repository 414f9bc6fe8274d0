/*
 * Tokens: who a thread is, capturing a client in one thread and acting as it in another,
 * privileges, references.
 */
#include "io_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static SECURITY_QUALITY_OF_SERVICE quality(BOOLEAN tracking)
{
    return (SECURITY_QUALITY_OF_SERVICE){sizeof(SECURITY_QUALITY_OF_SERVICE), SecurityImpersonation,
                                         tracking, FALSE};
}

static void privileges(void *unused)
{
    LUID manage = RtlConvertUlongToLuid(SE_MANAGE_VOLUME_PRIVILEGE);
    LUID load = RtlConvertUlongToLuid(SE_LOAD_DRIVER_PRIVILEGE);
    LUID notify = RtlConvertUlongToLuid(SE_CHANGE_NOTIFY_PRIVILEGE);
    PRIVILEGE_SET set = {1, PRIVILEGE_SET_ALL_NECESSARY, {{{SE_MANAGE_VOLUME_PRIVILEGE, 0}, 0}}};
    SECURITY_SUBJECT_CONTEXT subject;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, true);
    CHILD_CHECK(SeSinglePrivilegeCheck(manage, UserMode) && SeSinglePrivilegeCheck(load, UserMode));
    SeCaptureSubjectContext(&subject);
    CHILD_CHECK(SeTokenIsAdmin(SeQuerySubjectContextToken(&subject)));
    CHILD_CHECK(SePrivilegeCheck(&set, &subject, UserMode));
    SeReleaseSubjectContext(&subject);
    host_set_user(HOST_USER_STANDARD, 65534);
    CHILD_CHECK(!SeSinglePrivilegeCheck(manage, UserMode) &&
                !SeSinglePrivilegeCheck(load, UserMode));
    CHILD_CHECK(SeSinglePrivilegeCheck(notify, UserMode));
    CHILD_CHECK(SeSinglePrivilegeCheck(manage, KernelMode)); /* The kernel holds all. */
    SeCaptureSubjectContext(&subject);
    CHILD_CHECK(!SeTokenIsAdmin(SeQuerySubjectContextToken(&subject)));
    CHILD_CHECK(!SePrivilegeCheck(&set, &subject, UserMode));
    CHILD_CHECK(SePrivilegeCheck(&set, &subject, KernelMode));
    SeReleaseSubjectContext(&subject);
    io_halt();
}

static void test_privileges(void)
{
    CHILD_PASSES(privileges, NULL);
}

/* --- impersonation --- */

static SECURITY_CLIENT_CONTEXT client;
static NTSTATUS before, during, after;

static NTSTATUS open_checked(void)
{
    HANDLE file;
    NTSTATUS status = io_create("secret", GENERIC_READ, FILE_SHARE_READ, FILE_OPEN, 0,
                                OBJ_FORCE_ACCESS_CHECK, &file, NULL);

    if (NT_SUCCESS(status)) {
        ZwClose(file);
    }
    return status;
}

/** A system thread: the driver's worker. */
static VOID NTAPI worker(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    before = open_checked();
    CHILD_CHECK(SeImpersonateClientEx(&client, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(!SeSinglePrivilegeCheck(RtlConvertUlongToLuid(SE_LOAD_DRIVER_PRIVILEGE), UserMode));
    during = open_checked();
    PsRevertToSelf();
    after = open_checked();
    CHILD_CHECK(SeSinglePrivilegeCheck(RtlConvertUlongToLuid(SE_LOAD_DRIVER_PRIVILEGE), UserMode));
    PsRevertToSelf(); /* Once more does nothing. */
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void run_worker(void)
{
    HANDLE thread;
    PVOID object;

    CHILD_CHECK(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, worker, NULL) ==
                STATUS_SUCCESS);
    CHILD_CHECK(ObReferenceObjectByHandle(thread, 0, *PsThreadType, KernelMode, &object, NULL) ==
                STATUS_SUCCESS);
    ZwClose(thread);
    KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(object);
}

/** The worker opens with the rights of whoever was the client when it was captured, not of who is
 *  user now. */
static void impersonation(void *tracking)
{
    SECURITY_QUALITY_OF_SERVICE qos = quality(tracking != NULL);

    io_boot(SCHED_SEEDED, 1, true);
    io_directory();
    io_make_file("secret", 10);
    CHILD_CHECK(chmod(io_path("secret"), 0600) == 0);
    host_set_user(HOST_USER_STANDARD, 65534);
    CHILD_CHECK(SeCreateClientSecurity(PsGetCurrentThread(), &qos, FALSE, &client) ==
                STATUS_SUCCESS);
    CHILD_CHECK(SeTokenType(client.ClientToken) == (tracking ? TokenPrimary : TokenImpersonation));
    host_set_user(HOST_USER_ADMINISTRATOR, 0);
    run_worker();
    CHILD_CHECK(before == STATUS_SUCCESS && after == STATUS_SUCCESS);
    CHILD_CHECK(during == STATUS_ACCESS_DENIED);
    CHILD_CHECK(open_checked() == STATUS_SUCCESS);
    CHILD_CHECK(verifier_census(stderr) == 1); /* The captured token. */
    SeDeleteClientSecurity(&client);
    io_remove_directory();
    io_halt();
}

static void test_impersonation(void)
{
    CHILD_PASSES(impersonation, NULL);
    CHILD_PASSES(impersonation, "dynamic");
}

static void levels(void *unused)
{
    SECURITY_QUALITY_OF_SERVICE qos = quality(SECURITY_STATIC_TRACKING);
    SECURITY_SUBJECT_CONTEXT subject;
    SECURITY_IMPERSONATION_LEVEL level;
    BOOLEAN copy, effective;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, true);
    qos.ImpersonationLevel = SecurityIdentification;
    CHILD_CHECK(SeCreateClientSecurity(PsGetCurrentThread(), &qos, FALSE, &client) ==
                STATUS_SUCCESS);
    CHILD_CHECK(SeImpersonateClientEx(&client, NULL) == STATUS_BAD_IMPERSONATION_LEVEL);
    SeDeleteClientSecurity(&client);
    CHILD_CHECK(PsReferenceImpersonationToken(PsGetCurrentThread(), &copy, &effective, &level) ==
                NULL);
    qos = quality(SECURITY_STATIC_TRACKING);
    SeCaptureSubjectContext(&subject);
    CHILD_CHECK(SeCreateClientSecurityFromSubjectContext(&subject, &qos, FALSE, &client) ==
                STATUS_SUCCESS);
    SeReleaseSubjectContext(&subject);
    CHILD_CHECK(SeImpersonateClientEx(&client, NULL) == STATUS_SUCCESS);
    SeDeleteClientSecurity(&client); /* The thread has a reference of its own. */
    PACCESS_TOKEN token =
        PsReferenceImpersonationToken(PsGetCurrentThread(), &copy, &effective, &level);
    CHILD_CHECK(token != NULL && level == SecurityImpersonation);
    PsDereferenceImpersonationToken(token);
    SeCaptureSubjectContext(&subject);
    CHILD_CHECK(subject.ClientToken == token && subject.PrimaryToken != NULL);
    SeReleaseSubjectContext(&subject);
    PsRevertToSelf();
    token = PsReferencePrimaryToken(PsGetCurrentProcess());
    CHILD_CHECK(SeTokenType(token) == TokenPrimary);
    PsDereferencePrimaryToken(token);
    io_halt();
}

static void test_levels_and_references(void)
{
    CHILD_PASSES(levels, NULL);
}

static void wrong_routine(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, true);
    PsDereferenceImpersonationToken(PsReferencePrimaryToken(PsGetCurrentProcess()));
}

static void test_token_type(void)
{
    CHILD_BREAKS(RULE_TOKEN_TYPE, wrong_routine, NULL);
}

/** Whom a descriptor in text form lets in. */
static void test_descriptors(void)
{
    static const struct {
        const char *sddl;
        ACCESS_MASK access;
        bool administrator, standard;
    } rows[] = {
        {"D:P(A;;GA;;;SY)(A;;GA;;;BA)", GENERIC_READ | GENERIC_WRITE, true, false},
        {"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;WD)", GENERIC_READ | GENERIC_WRITE, true, false},
        {"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;WD)", GENERIC_READ, true, true},
        {"D:(A;;GRGW;;;WD)", GENERIC_READ | GENERIC_WRITE, true, true},
        {"D:(A;;GR;;;WD)(A;;GW;;;BU)", GENERIC_READ | GENERIC_WRITE, true, true},
        {"D:(A;;GR;;;WD)(A;;GW;;;BA)", GENERIC_READ | GENERIC_WRITE, true, false},
        {"D:(A;;0x3;;;AU)", GENERIC_READ | GENERIC_WRITE, true, true},
        {"D:(A;;0x1;;;AU)", GENERIC_WRITE, false, false},
        {"D:(A;;FA;;;IU)", GENERIC_ALL, true, true},
        {"D:(A;;FRFW;;;BA)", GENERIC_ALL, false, false},
        /* The first entry that speaks of a right decides. */
        {"D:(D;;GW;;;BU)(A;;GA;;;WD)", GENERIC_READ | GENERIC_WRITE, false, false},
        {"D:(A;;GA;;;BA)(D;;GA;;;WD)", GENERIC_READ | GENERIC_WRITE, true, false},
        {"D:(A;;GA;;;SY)", GENERIC_READ, false, false},
        {"O:BAG:SYD:(A;;GA;;;S-1-5-21-1)", GENERIC_READ, false, false},
        {"D:", GENERIC_READ, false, false}, /* An empty list: nobody. */
        {"", GENERIC_READ, true, true},     /* No list: everybody. */
        {"D:P(A;;GA;;;WD", GENERIC_READ, false, false},
        {"D:P(A;;GA;;WD)", GENERIC_READ, false, false},
        {"D:P(A;;GA;;;WD)(A", GENERIC_READ, false, false},
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(rows); i++) {
        bool administrator = nt_sddl_allows(rows[i].sddl, HOST_USER_ADMINISTRATOR, rows[i].access);
        bool standard = nt_sddl_allows(rows[i].sddl, HOST_USER_STANDARD, rows[i].access);

        if (administrator != rows[i].administrator || standard != rows[i].standard) {
            printf("\n    %s, access %08X\n", rows[i].sddl, rows[i].access);
            CU_FAIL("a security descriptor");
        }
    }
    CU_PASS("every descriptor");
}

CU_ErrorCode register_security_suite(void);
CU_ErrorCode register_security_suite(void)
{
    static CU_TestInfo tests[] = {
        {"privileges", test_privileges},
        {"impersonation", test_impersonation},
        {"levels and references", test_levels_and_references},
        {"a token's own routine", test_token_type},
        {"security descriptors as text", test_descriptors},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "security", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
