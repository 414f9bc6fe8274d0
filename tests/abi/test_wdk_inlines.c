/*
 * The WDK inlines that both builds compile into the driver: lists and their corruption check, safe
 * strings, page arithmetic, IRP stack locations, interlocked operations. What they import is
 * replaced here by the smallest thing that shows what they pass; no host is involved.
 */
#include <ntifs.h>

#include <ntstrsafe.h>

#include <CUnit/CUnit.h>
#include <setjmp.h>
#include <string.h>

/* ---- What the inlines import. */

static jmp_buf bugchecked;
static ULONG bugcheck_code;
static ULONG_PTR bugcheck_parameter;

VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                        ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                        ULONG_PTR BugCheckParameter4)
{
    UNREFERENCED_PARAMETER(BugCheckParameter2);
    UNREFERENCED_PARAMETER(BugCheckParameter3);
    UNREFERENCED_PARAMETER(BugCheckParameter4);
    bugcheck_code = BugCheckCode;
    bugcheck_parameter = BugCheckParameter1;
    longjmp(bugchecked, 1);
}

/* Both formatters write the digits of one INT argument and, like Windows' own, no terminator where
 * there is no room for one: -1 if even the digits do not fit. */
INT CDECL _vsnprintf(PSTR Buffer, SIZE_T Count, PCSTR Format, NTSTRSAFE_VA_LIST Arguments)
{
    INT value = __builtin_va_arg(Arguments, INT);
    CHAR digits[16];
    INT length = 0;

    UNREFERENCED_PARAMETER(Format);
    for (INT rest = value; rest != 0; rest /= 10) {
        digits[length++] = (CHAR)('0' + rest % 10);
    }
    for (INT i = 0; i < length && (SIZE_T)i < Count; i++) {
        Buffer[i] = digits[length - 1 - i];
    }
    if ((SIZE_T)length < Count) {
        Buffer[length] = 0;
    }
    return (SIZE_T)length <= Count ? length : -1;
}

INT CDECL _vsnwprintf(PWSTR Buffer, SIZE_T Count, PCWSTR Format, NTSTRSAFE_VA_LIST Arguments)
{
    CHAR narrow[16];
    INT length = _vsnprintf(narrow, Count < sizeof(narrow) ? Count : sizeof(narrow), "", Arguments);

    UNREFERENCED_PARAMETER(Format);
    for (SIZE_T i = 0; i < Count && (length < 0 || i <= (SIZE_T)length) && i < sizeof(narrow);
         i++) {
        Buffer[i] = (WCHAR)narrow[i];
    }
    return length;
}

/* ---- Lists. */

/* TRUE if the list at `head` holds exactly these entries, in both directions. */
static BOOLEAN list_is(PLIST_ENTRY head, PLIST_ENTRY *entries, SIZE_T count)
{
    PLIST_ENTRY at = head;

    for (SIZE_T i = 0; i < count; i++) {
        if (at->Flink != entries[i] || entries[i]->Blink != at) {
            return FALSE;
        }
        at = entries[i];
    }
    return at->Flink == head && head->Blink == at;
}

static void test_list_order(void)
{
    LIST_ENTRY head;
    LIST_ENTRY a;
    LIST_ENTRY b;
    LIST_ENTRY c;

    InitializeListHead(&head);
    CU_ASSERT_TRUE(IsListEmpty(&head));
    InsertTailList(&head, &a);
    InsertTailList(&head, &b);
    InsertHeadList(&head, &c);
    CU_ASSERT_TRUE(list_is(&head, (PLIST_ENTRY[]){&c, &a, &b}, 3));
    CU_ASSERT_FALSE(RemoveEntryList(&a));
    CU_ASSERT_TRUE(list_is(&head, (PLIST_ENTRY[]){&c, &b}, 2));
    CU_ASSERT_PTR_EQUAL(RemoveTailList(&head), &b);
    CU_ASSERT_TRUE(RemoveEntryList(&c));
    CU_ASSERT_TRUE(IsListEmpty(&head));
    CU_ASSERT_PTR_EQUAL(RemoveHeadList(&head), &head);
}

static void test_list_append(void)
{
    LIST_ENTRY head;
    LIST_ENTRY other;
    LIST_ENTRY e[4];

    InitializeListHead(&head);
    InitializeListHead(&other);
    InsertTailList(&head, &e[0]);
    InsertTailList(&head, &e[1]);
    InsertTailList(&other, &e[2]);
    InsertTailList(&other, &e[3]);
    (void)RemoveEntryList(&other);
    AppendTailList(&head, &e[2]);
    CU_ASSERT_TRUE(list_is(&head, (PLIST_ENTRY[]){&e[0], &e[1], &e[2], &e[3]}, 4));
}

static void test_single_list(void)
{
    SINGLE_LIST_ENTRY head = {NULL};
    SINGLE_LIST_ENTRY a;
    SINGLE_LIST_ENTRY b;

    PushEntryList(&head, &a);
    PushEntryList(&head, &b);
    CU_ASSERT_PTR_EQUAL(PopEntryList(&head), &b);
    CU_ASSERT_PTR_EQUAL(PopEntryList(&head), &a);
    CU_ASSERT_PTR_NULL(PopEntryList(&head));
}

enum list_operation { REMOVE_ENTRY, REMOVE_HEAD, REMOVE_TAIL, INSERT_HEAD, INSERT_TAIL, APPEND };

/* Does one thing to a list of two entries one of whose links `broken` points elsewhere.
 * Returns TRUE if that ended in the bugcheck for a corrupt list. */
static BOOLEAN list_faults(enum list_operation operation, int broken)
{
    static LIST_ENTRY head, a, b, extra, elsewhere;
    PLIST_ENTRY *links[] = {NULL, &head.Flink, &head.Blink, &a.Flink, &a.Blink, &b.Flink, &b.Blink};

    InitializeListHead(&head);
    InitializeListHead(&extra);
    InitializeListHead(&elsewhere);
    InsertTailList(&head, &a);
    InsertTailList(&head, &b);
    if (links[broken] != NULL) {
        *links[broken] = &elsewhere;
    }
    bugcheck_code = 0;
    if (setjmp(bugchecked) == 0) {
        switch (operation) {
        case REMOVE_ENTRY:
            (void)RemoveEntryList(&a);
            break;
        case REMOVE_HEAD:
            (void)RemoveHeadList(&head);
            break;
        case REMOVE_TAIL:
            (void)RemoveTailList(&head);
            break;
        case INSERT_HEAD:
            InsertHeadList(&head, &extra);
            break;
        case INSERT_TAIL:
            InsertTailList(&head, &extra);
            break;
        case APPEND:
            AppendTailList(&head, &extra);
            break;
        }
        return FALSE;
    }
    return bugcheck_code == KERNEL_SECURITY_CHECK_FAILURE &&
           bugcheck_parameter == FAST_FAIL_CORRUPT_LIST_ENTRY;
}

/* Each operation on a sound list, then with each of the links that it relies on broken. */
static void test_list_corruption(void)
{
    static const struct {
        enum list_operation operation;
        int broken[4];
    } cases[] = {
        {REMOVE_ENTRY, {1, 3, 4, 6}}, /* the entry's links and those that point at it */
        {REMOVE_HEAD, {1, 3, 4, 6}},  {REMOVE_TAIL, {2, 3, 5, 6}}, {INSERT_HEAD, {1, 4, 1, 4}},
        {INSERT_TAIL, {2, 5, 2, 5}},  {APPEND, {1, 2, 4, 5}},
    };

    for (SIZE_T i = 0; i < RTL_NUMBER_OF(cases); i++) {
        CU_ASSERT_FALSE(list_faults(cases[i].operation, 0));
        for (SIZE_T j = 0; j < RTL_NUMBER_OF(cases[i].broken); j++) {
            CU_ASSERT_TRUE(list_faults(cases[i].operation, cases[i].broken[j]));
        }
    }
}

/* ---- Safe strings. */

static void test_string_length(void)
{
    SIZE_T length = 99;

    CU_ASSERT_EQUAL(RtlStringCbLengthW(L"abc", 4 * sizeof(WCHAR), &length), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(length, 3 * sizeof(WCHAR));
    CU_ASSERT_EQUAL(RtlStringCbLengthW(L"abc", 3 * sizeof(WCHAR), &length),
                    STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(length, 0);
    CU_ASSERT_EQUAL(RtlStringCchLengthA("", 1, &length), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(RtlStringCchLengthA("", 0, NULL), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(RtlStringCchLengthW(NULL, 4, &length), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(RtlStringCchLengthW(L"a", (SIZE_T)NTSTRSAFE_MAX_CCH + 1, &length),
                    STATUS_INVALID_PARAMETER);
}

static void test_string_copy(void)
{
    WCHAR wide[8];
    CHAR narrow[4];

    CU_ASSERT_EQUAL(RtlStringCchCopyW(wide, 8, L"1234567"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(memcmp(wide, L"1234567", sizeof(wide)), 0);
    CU_ASSERT_EQUAL(RtlStringCbCopyW(wide, sizeof(wide), L"abcdefgh"), STATUS_BUFFER_OVERFLOW);
    CU_ASSERT_EQUAL(memcmp(wide, L"abcdefg", sizeof(wide)), 0);
    CU_ASSERT_EQUAL(RtlStringCchCopyW(wide, 0, L"x"), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(RtlStringCbCopyW(wide, 1, L"x"), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(RtlStringCchCopyNW(wide, 8, L"xyz", 2), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(memcmp(wide, L"xy", 3 * sizeof(WCHAR)), 0);
    CU_ASSERT_EQUAL(RtlStringCbCatW(wide, sizeof(wide), L"123456"), STATUS_BUFFER_OVERFLOW);
    CU_ASSERT_EQUAL(memcmp(wide, L"xy12345", sizeof(wide)), 0);
    CU_ASSERT_EQUAL(RtlStringCbCopyA(narrow, sizeof(narrow), "abc"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(RtlStringCbCatA(narrow, sizeof(narrow), ""), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(RtlStringCbCatA(narrow, sizeof(narrow), "d"), STATUS_BUFFER_OVERFLOW);
    CU_ASSERT_STRING_EQUAL(narrow, "abc");
}

/* A result that just fits, one that fills the buffer to the last character, one that does not
 * fit. */
static void test_string_printf(void)
{
    WCHAR wide[4];
    CHAR narrow[4];

    CU_ASSERT_EQUAL(RtlStringCbPrintfW(wide, sizeof(wide), L"%d", 12), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(memcmp(wide, L"12", 3 * sizeof(WCHAR)), 0);
    CU_ASSERT_EQUAL(RtlStringCbPrintfW(wide, sizeof(wide), L"%d", 123), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(memcmp(wide, L"123", sizeof(wide)), 0);
    CU_ASSERT_EQUAL(RtlStringCbPrintfW(wide, sizeof(wide), L"%d", 1234), STATUS_BUFFER_OVERFLOW);
    CU_ASSERT_EQUAL(memcmp(wide, L"123", sizeof(wide)), 0);
    CU_ASSERT_EQUAL(RtlStringCbPrintfA(narrow, sizeof(narrow), "%d", 123), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(RtlStringCbPrintfA(narrow, sizeof(narrow), "%d", 1234), STATUS_BUFFER_OVERFLOW);
    CU_ASSERT_STRING_EQUAL(narrow, "123");
    CU_ASSERT_EQUAL(RtlStringCbPrintfA(narrow, 0, "%d", 1), STATUS_INVALID_PARAMETER);
}

static void test_counted_strings(void)
{
    WCHAR buffer[4];
    UNICODE_STRING text = {0, sizeof(buffer), buffer};
    UNICODE_STRING odd = {3, sizeof(buffer), buffer};
    UNICODE_STRING over = {sizeof(buffer) + 2, sizeof(buffer), buffer};

    CU_ASSERT_EQUAL(RtlUnicodeStringCopyString(&text, L"abc"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(text.Length, 3 * sizeof(WCHAR));
    CU_ASSERT_EQUAL(RtlUnicodeStringCatString(&text, L"de"), STATUS_BUFFER_OVERFLOW);
    CU_ASSERT_EQUAL(text.Length, sizeof(buffer));
    CU_ASSERT_EQUAL(memcmp(buffer, L"abcd", sizeof(buffer)), 0);
    CU_ASSERT_EQUAL(RtlUnicodeStringCopy(&text, &odd), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(RtlUnicodeStringCat(&over, &text), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(RtlUnicodeStringInit(&text, NULL), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(text.MaximumLength, 0);
    CU_ASSERT_EQUAL(RtlUnicodeStringInit(&text, (PWSTR)L"ab"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(text.MaximumLength, 3 * sizeof(WCHAR));
}

/* ---- Pages, stack locations, atomics, numbers. */

static void test_pages(void)
{
    MDL mdl;

    CU_ASSERT_EQUAL(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xfff, 2), 2);
    CU_ASSERT_EQUAL(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0x1000), 1);
    CU_ASSERT_EQUAL(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1234, 0), 1);
    CU_ASSERT_EQUAL(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1fff, 0xffffffff), 0x100001);
    CU_ASSERT_EQUAL(BYTES_TO_PAGES(4097u), 2);
    CU_ASSERT_EQUAL(ROUND_TO_PAGES(1), PAGE_SIZE);
    MmInitializeMdl(&mdl, (PVOID)(ULONG_PTR)0x12345, 0x2000);
    CU_ASSERT_EQUAL(mdl.Size, (CSHORT)(sizeof(MDL) + 3 * sizeof(PFN_NUMBER)));
    CU_ASSERT_EQUAL(MmGetMdlByteOffset(&mdl), 0x345);
    CU_ASSERT_EQUAL((ULONG_PTR)MmGetMdlVirtualAddress(&mdl), 0x12345);
}

static NTSTATUS NTAPI completion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

static void test_stack_locations(void)
{
    struct {
        IRP irp;
        IO_STACK_LOCATION location[2];
    } packet;
    PIO_STACK_LOCATION top = &packet.location[1];
    PIO_STACK_LOCATION next = &packet.location[0];

    memset(&packet, 0, sizeof(packet));
    packet.irp.CurrentLocation = 2;
    packet.irp.Tail.Overlay.CurrentStackLocation = top;
    top->MajorFunction = IRP_MJ_WRITE;
    top->Parameters.Write.Length = 512;
    IoMarkIrpPending(&packet.irp);
    CU_ASSERT_EQUAL(top->Control, SL_PENDING_RETURNED);
    IoSetCompletionRoutine(&packet.irp, completion, top, TRUE, FALSE, TRUE);
    CU_ASSERT_EQUAL(next->Control, SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_CANCEL);
    IoCopyCurrentIrpStackLocationToNext(&packet.irp);
    CU_ASSERT_EQUAL(next->Parameters.Write.Length, 512);
    CU_ASSERT_EQUAL(next->Control, 0);
    CU_ASSERT_PTR_EQUAL(next->Context, top);
    IoSetNextIrpStackLocation(&packet.irp);
    CU_ASSERT_PTR_EQUAL(IoGetCurrentIrpStackLocation(&packet.irp), next);
    CU_ASSERT_EQUAL(packet.irp.CurrentLocation, 1);
    IoSkipCurrentIrpStackLocation(&packet.irp);
    CU_ASSERT_PTR_EQUAL(IoGetCurrentIrpStackLocation(&packet.irp), top);
    CU_ASSERT_EQUAL(IoSizeOfIrp(2), sizeof(packet));
}

static void test_interlocked(void)
{
    LONG volatile value = 5;
    LONG64 volatile large = MAXLONG;

    CU_ASSERT_EQUAL(InterlockedIncrement(&value), 6);
    CU_ASSERT_EQUAL(InterlockedExchangeAdd(&value, 4), 6);
    CU_ASSERT_EQUAL(InterlockedCompareExchange(&value, 1, 9), 10);
    CU_ASSERT_EQUAL(InterlockedCompareExchange(&value, 1, 10), 10);
    CU_ASSERT_EQUAL(InterlockedOr(&value, 6), 1);
    CU_ASSERT_EQUAL(InterlockedAnd(&value, 3), 7);
    CU_ASSERT_EQUAL(InterlockedExchange(&value, 0), 3);
    CU_ASSERT_EQUAL(InterlockedDecrement(&value), -1);
    CU_ASSERT_TRUE(InterlockedBitTestAndReset(&value, 31));
    CU_ASSERT_FALSE(InterlockedBitTestAndSet(&value, 31));
    CU_ASSERT_EQUAL(InterlockedIncrement64(&large), 0x80000000LL);
}

/* Control codes and status severities, against the numbers that Windows prints. */
static void test_numbers(void)
{
    LUID luid = RtlConvertLongToLuid(-2);

    CU_ASSERT_EQUAL(FSCTL_SET_SPARSE, 0x900c4);
    CU_ASSERT_EQUAL(FSCTL_SET_ZERO_DATA, 0x980c8);
    CU_ASSERT_EQUAL(FSCTL_QUERY_ALLOCATED_RANGES, 0x940cf);
    CU_ASSERT_TRUE(NT_SUCCESS(STATUS_PENDING));
    CU_ASSERT_TRUE(NT_WARNING(STATUS_BUFFER_OVERFLOW));
    CU_ASSERT_TRUE(NT_ERROR(STATUS_CANCELLED));
    CU_ASSERT_TRUE(NT_INFORMATION(STATUS_OBJECT_NAME_EXISTS));
    CU_ASSERT_EQUAL(luid.LowPart, 0xfffffffe);
    CU_ASSERT_EQUAL(luid.HighPart, -1);
    CU_ASSERT_EQUAL(ALIGN_UP_BY(5, 4), 8);
    CU_ASSERT_EQUAL(sizeof(L"x"), 2 * sizeof(WCHAR));
}

CU_ErrorCode register_wdk_inlines_suite(void);
CU_ErrorCode register_wdk_inlines_suite(void)
{
    CU_TestInfo tests[] = {
        {"list order", test_list_order},
        {"appending a list", test_list_append},
        {"singly linked list", test_single_list},
        {"every broken link is noticed", test_list_corruption},
        {"length of strings", test_string_length},
        {"copying strings", test_string_copy},
        {"formatting strings", test_string_printf},
        {"counted strings", test_counted_strings},
        {"pages and MDLs", test_pages},
        {"IRP stack locations", test_stack_locations},
        {"interlocked operations", test_interlocked},
        {"control codes and statuses", test_numbers},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"abi: the WDK inlines of both builds", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
