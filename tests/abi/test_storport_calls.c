/*
 * What the inlines of storport.h hand to the two dispatchers: the code, the device extension, and
 * every further argument in order and width. Stands in for storport.sys with two variadic functions
 * that only record; so a .sys built with Microsoft's header and one built with ours make the same
 * calls. It must never ask the inlines themselves what they would pass.
 */
#include <ntifs.h>

#include <storport.h>

#include <CUnit/CUnit.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_ARGUMENTS 32

/* The last call, and how many arguments it is to be asked for. */
static struct {
    int notification; /* of StorPortNotification, or -1 */
    int function;     /* of StorPortExtendedFunction, or -1 */
    void *extension;
    unsigned wanted;
    uint64_t arguments[MAX_ARGUMENTS];
} call;

static LONG issue_result;
static ULONG change_result;

static void record(PVOID extension, __builtin_ms_va_list arguments)
{
    call.extension = extension;
    for (unsigned i = 0; i < call.wanted; i++) {
        call.arguments[i] = __builtin_va_arg(arguments, uint64_t);
    }
}

VOID NTAPI StorPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension,
                                ...)
{
    __builtin_ms_va_list arguments;

    __builtin_ms_va_start(arguments, HwDeviceExtension);
    call.notification = (int)NotificationType;
    record(HwDeviceExtension, arguments);
    __builtin_ms_va_end(arguments);
    if (NotificationType == EnablePassiveInitialization || NotificationType == IssueDpc) {
        *(LONG *)(uintptr_t)call.arguments[call.wanted - 1] = issue_result;
    }
    if (NotificationType == StateChangeDetectedCall ||
        NotificationType == AsyncNotificationDetected) {
        *(ULONG *)(uintptr_t)call.arguments[call.wanted - 1] = change_result;
    }
}

ULONG NTAPI StorPortExtendedFunction(STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension,
                                     ...)
{
    __builtin_ms_va_list arguments;

    __builtin_ms_va_start(arguments, HwDeviceExtension);
    call.function = (int)FunctionCode;
    record(HwDeviceExtension, arguments);
    __builtin_ms_va_end(arguments);
    return STOR_STATUS_THROTTLED_REQUEST; /* a status that nothing else here produces */
}

static char extension;
static char things[8];
#define EXTENSION ((PVOID)&extension)
#define THING(n)  ((PVOID)&things[n])
#define P(n)      ((uint64_t)(uintptr_t)THING(n))

static void expect_arguments(const char *what, unsigned count, const uint64_t *values,
                             const char *widths)
{
    char message[512];

    snprintf(message, sizeof(message), "%s: device extension", what);
    CU_assertImplementation(call.extension == EXTENSION, __LINE__, message, __FILE__, "", CU_FALSE);
    for (unsigned i = 0; i < count; i++) {
        /* A slot is eight bytes; of a narrower argument only its own bytes mean anything. */
        uint64_t mask = widths[i] == '4' ? UINT32_MAX : UINT64_MAX;

        snprintf(message, sizeof(message), "%s: argument %u is %llx, expected %llx", what, i,
                 (unsigned long long)(call.arguments[i] & mask), (unsigned long long)values[i]);
        CU_assertImplementation((call.arguments[i] & mask) == values[i], __LINE__, message,
                                __FILE__, "", CU_FALSE);
    }
}

/* One extended function: `expression` calls the inline; `widths` has a 4 or an 8 per argument. */
#define EXTENDED(expression, code, widths, ...)                                                    \
    do {                                                                                           \
        const uint64_t values[] = {__VA_ARGS__};                                                   \
        const unsigned count = sizeof(values) / sizeof(values[0]);                                 \
        CU_ASSERT_EQUAL_FATAL(strlen(widths), count);                                              \
        memset(&call, 0, sizeof(call));                                                            \
        call.function = call.notification = -1;                                                    \
        call.wanted = count;                                                                       \
        CU_ASSERT_EQUAL(expression, STOR_STATUS_THROTTLED_REQUEST);                                \
        CU_ASSERT_EQUAL(call.function, code);                                                      \
        CU_ASSERT_EQUAL(call.notification, -1);                                                    \
        expect_arguments(#expression, count, values, widths);                                      \
    } while (0)

#define SRB        ((PSCSI_REQUEST_BLOCK)THING(0))
#define ADDRESS    ((PSTOR_ADDRESS)THING(1))
#define TEXT(n)    ((PWSTR)THING(n))
#define LONG_VALUE 0x123456789ABCDEF0ULL

static void test_memory(void)
{
    EXTENDED(StorPortAllocatePool(EXTENSION, 0x1000, 0x61626364, (PVOID *)THING(2)), 0, "448",
             0x1000, 0x61626364, P(2));
    EXTENDED(StorPortFreePool(EXTENSION, THING(3)), 1, "8", P(3));
    EXTENDED(StorPortAllocateMdl(EXTENSION, THING(2), 77, (PVOID *)THING(3)), 2, "848", P(2), 77,
             P(3));
    EXTENDED(StorPortFreeMdl(EXTENSION, THING(3)), 3, "8", P(3));
    EXTENDED(StorPortBuildMdlForNonPagedPool(EXTENSION, THING(3)), 4, "8", P(3));
}

static void test_requests(void)
{
    EXTENDED(StorPortGetSystemAddress(EXTENSION, SRB, (PVOID *)THING(3)), 5, "88", P(0), P(3));
    EXTENDED(StorPortGetOriginalMdl(EXTENSION, SRB, (PVOID *)THING(3)), 6, "88", P(0), P(3));
    EXTENDED(StorPortCompleteServiceIrp(EXTENSION, THING(4)), 7, "8", P(4));
    EXTENDED(StorPortGetDeviceObjects(EXTENSION, (PVOID *)THING(2), (PVOID *)THING(3),
                                      (PVOID *)THING(4)),
             8, "888", P(2), P(3), P(4));
    EXTENDED(StorPortGetRequestInfo(EXTENSION, SRB, (PSTOR_REQUEST_INFO)THING(3)), 28, "88", P(0),
             P(3));
    EXTENDED(StorPortGetActivityIdSrb(EXTENSION, SRB, (LPGUID)THING(3)), 40, "88", P(0), P(3));
}

static void test_workers_and_timers(void)
{
    EXTENDED(StorPortInitializeWorker(EXTENSION, (PVOID *)THING(2)), 29, "8", P(2));
    EXTENDED(StorPortQueueWorkItem(EXTENSION, (PHW_WORKITEM)THING(3), THING(2), THING(4)), 30,
             "888", P(3), P(2), P(4));
    EXTENDED(StorPortFreeWorker(EXTENSION, THING(2)), 31, "8", P(2));
    EXTENDED(StorPortInitializeTimer(EXTENSION, (PVOID *)THING(2)), 32, "8", P(2));
    EXTENDED(
        StorPortRequestTimer(EXTENSION, THING(2), (PHW_TIMER_EX)THING(3), THING(4), LONG_VALUE, 32),
        33, "88888", P(2), P(3), P(4), LONG_VALUE, 32);
    EXTENDED(StorPortFreeTimer(EXTENSION, THING(2)), 34, "8", P(2));
    EXTENDED(StorPortDelayExecution(EXTENSION, 1000), 81, "4", 1000);
}

static void test_adapter(void)
{
    STOR_UNIT_ATTRIBUTES attributes = {0};

    attributes.AsyncNotificationSupported = 1;
    EXTENDED(StorPortInitializePerfOpts(EXTENSION, TRUE, (PPERF_CONFIGURATION_DATA)THING(2)), 14,
             "48", 1, P(2));
    EXTENDED(StorPortLogSystemEvent(EXTENSION, (PSTOR_LOG_EVENT_DETAILS)THING(2), (PULONG)THING(3)),
             16, "88", P(2), P(3));
    EXTENDED(StorPortGetSystemPortNumber(EXTENSION, ADDRESS), 41, "8", P(1));
    EXTENDED(StorPortSetUnitAttributes(EXTENSION, ADDRESS, attributes), 46, "84", P(1), 2);
    EXTENDED(StorPortQueryPerformanceCounter(EXTENSION, (PLARGE_INTEGER)THING(2),
                                             (PLARGE_INTEGER)THING(3)),
             47, "88", P(2), P(3));
    EXTENDED(StorPortRegistryReadAdapterKey(EXTENSION, (PUCHAR)THING(2), (PUCHAR)THING(3), 4,
                                            (PVOID *)THING(4), (PULONG)THING(5)),
             62, "88488", P(2), P(3), 4, P(4), P(5));
    EXTENDED(StorPortRegistryWriteAdapterKey(EXTENSION, (PUCHAR)THING(2), (PUCHAR)THING(3), 4,
                                             THING(4), 8),
             63, "88484", P(2), P(3), 4, P(4), 8);
    EXTENDED(StorPortSetAdapterBusType(EXTENSION, 0xE), 64, "4", 0xE);
    EXTENDED(StorPortUpdateAdapterMaxIO(EXTENSION, 2000), 80, "4", 2000);
    EXTENDED(
        StorPortAcquireSpinLockEx(EXTENSION, DpcLevelLock, THING(2), (PSTOR_LOCK_HANDLE)THING(3)),
        93, "488", 5, P(2), P(3));
    EXTENDED(StorPortSetFeatureList(EXTENSION, 1, (STORPORT_FEATURE_TYPE *)THING(2)), 103, "48", 1,
             P(2));
}

static void test_events(void)
{
    EXTENDED(StorPortEtwEvent2(EXTENSION, ADDRESS, 7, TEXT(2), LONG_VALUE, StorportEtwLevelError,
                               StorportEtwEventOpcodeStop, SRB, TEXT(3), 11, TEXT(4), 12),
             58, "84884488888", P(1), 7, P(2), LONG_VALUE, 2, 2, P(0), P(3), 11, P(4), 12);
    EXTENDED(StorPortEtwEvent4(EXTENSION, ADDRESS, 7, TEXT(2), LONG_VALUE, StorportEtwLevelVerbose,
                               StorportEtwEventOpcodeReceive, SRB, TEXT(3), 11, TEXT(4), 12,
                               TEXT(5), 13, TEXT(6), 14),
             59, "848844888888888", P(1), 7, P(2), LONG_VALUE, 5, 240, P(0), P(3), 11, P(4), 12,
             P(5), 13, P(6), 14);
    EXTENDED(StorPortEtwEvent8(EXTENSION, NULL, 7, TEXT(2), 0, StorportEtwLevelLogAlways,
                               StorportEtwEventOpcodeInfo, NULL, TEXT(3), 11, TEXT(4), 12, TEXT(5),
                               13, TEXT(6), 14, NULL, 15, NULL, 16, NULL, 17, TEXT(7), LONG_VALUE),
             60, "84884488888888888888888", 0, 7, P(2), 0, 0, 0, 0, P(3), 11, P(4), 12, P(5), 13,
             P(6), 14, 0, 15, 0, 16, 0, 17, P(7), LONG_VALUE);
}

/* A notification of `count` arguments is expected next. */
static void expect_notification(unsigned count)
{
    memset(&call, 0, sizeof(call));
    call.function = call.notification = -1;
    call.wanted = count;
}

static void test_locks(void)
{
    expect_notification(3);
    StorPortAcquireSpinLock(EXTENSION, DpcLock, THING(2), (PSTOR_LOCK_HANDLE)THING(3));
    CU_ASSERT_EQUAL(call.notification, 0x1003);
    expect_arguments("StorPortAcquireSpinLock", 3, (uint64_t[]){1, P(2), P(3)}, "488");

    expect_notification(1);
    StorPortReleaseSpinLock(EXTENSION, (PSTOR_LOCK_HANDLE)THING(3));
    CU_ASSERT_EQUAL(call.notification, 0x1004);
    expect_arguments("StorPortReleaseSpinLock", 1, (uint64_t[]){P(3)}, "8");
}

static void test_passive_and_dpc(void)
{
    for (issue_result = FALSE; issue_result <= TRUE; issue_result++) {
        expect_notification(2);
        CU_ASSERT_EQUAL(StorPortEnablePassiveInitialization(
                            EXTENSION, (PHW_PASSIVE_INITIALIZE_ROUTINE)THING(2)),
                        issue_result);
        CU_ASSERT_EQUAL(call.notification, 0x1000);
        expect_arguments("StorPortEnablePassiveInitialization", 1, (uint64_t[]){P(2)}, "8");

        expect_notification(4);
        CU_ASSERT_EQUAL(StorPortIssueDpc(EXTENSION, (PSTOR_DPC)THING(2), THING(3), THING(4)),
                        issue_result);
        CU_ASSERT_EQUAL(call.notification, 0x1002);
        expect_arguments("StorPortIssueDpc", 3, (uint64_t[]){P(2), P(3), P(4)}, "888");
    }
    expect_notification(2);
    StorPortInitializeDpc(EXTENSION, (PSTOR_DPC)THING(2), (PHW_DPC_ROUTINE)THING(3));
    CU_ASSERT_EQUAL(call.notification, 0x1001);
    expect_arguments("StorPortInitializeDpc", 2, (uint64_t[]){P(2), P(3)}, "88");
}

static void test_changes(void)
{
    change_result = STOR_STATUS_UNSUCCESSFUL;
    expect_notification(6);
    CU_ASSERT_EQUAL(StorPortStateChangeDetected(EXTENSION, STATE_CHANGE_TARGET, ADDRESS, 1,
                                                (PHW_STATE_CHANGE)THING(3), THING(4)),
                    STOR_STATUS_UNSUCCESSFUL);
    CU_ASSERT_EQUAL(call.notification, 0x1005);
    expect_arguments("StorPortStateChangeDetected", 5, (uint64_t[]){2, P(1), 1, P(3), P(4)},
                     "48488");

    change_result = STOR_STATUS_BUSY;
    expect_notification(3);
    CU_ASSERT_EQUAL(StorPortAsyncNotificationDetected(EXTENSION, ADDRESS,
                                                      RAID_ASYNC_NOTIFY_FLAG_DEVICE_OPERATION),
                    STOR_STATUS_BUSY);
    CU_ASSERT_EQUAL(call.notification, 0x1007);
    expect_arguments("StorPortAsyncNotificationDetected", 2, (uint64_t[]){P(1), 4}, "88");
}

CU_ErrorCode register_storport_calls_suite(void);
CU_ErrorCode register_storport_calls_suite(void)
{
    CU_TestInfo tests[] = {
        {"pool and MDLs", test_memory},
        {"requests and device objects", test_requests},
        {"workers and timers", test_workers_and_timers},
        {"adapter and units", test_adapter},
        {"ETW events", test_events},
        {"spin locks", test_locks},
        {"passive initialization and DPCs", test_passive_and_dpc},
        {"changes of state", test_changes},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"abi: what the inlines of storport.h pass on", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
