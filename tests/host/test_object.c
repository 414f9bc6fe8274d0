/*
 * Objects and handles: counts, types, rights, the number of a handle; and what happens to those who
 * count wrongly.
 */
#include "child.h"

#include "nt/nt.h"

static unsigned destroyed, closed;

static void on_destroy(void *body)
{
    UNREFERENCED_PARAMETER(body);
    destroyed++;
}

static void on_close(void *body)
{
    UNREFERENCED_PARAMETER(body);
    closed++;
}

static const struct nt_object_type book = {
    .name = "Book", .destroy = on_destroy, .close = on_close};
static const struct nt_object_type page = {.name = "Page"};
#define TYPE(type) ((POBJECT_TYPE)(void *)(uintptr_t) & (type))

static void boot(void)
{
    struct sched_options options = {.kind = SCHED_SEEDED, .seed = 1};

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
}

/* --- right use --- */

static void references(void *unused)
{
    uint64_t before;
    char *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    before = nt_object_count();
    body = nt_object_create(&book, 100);
    for (unsigned i = 0; i < 100; i++) {
        CHILD_CHECK(body[i] == 0);
    }
    CHILD_CHECK((uintptr_t)body % 16 == 0);
    CHILD_CHECK(nt_object_type_of(body) == &book);
    CHILD_CHECK(nt_object_count() == before + 1);
    CHILD_CHECK(nt_object_count_of(&book, NULL) == 1 && nt_object_count_of(&page, NULL) == 0);
    ObReferenceObject(body);
    ObDereferenceObject(body);
    CHILD_CHECK(destroyed == 0);
    ObDereferenceObject(body);
    CHILD_CHECK(destroyed == 1 && closed == 0);
    CHILD_CHECK(nt_object_count() == before);
}

static void test_references(void)
{
    CHILD_PASSES(references, NULL);
}

static void handles(void *unused)
{
    void *body, *found = NULL;
    HANDLE one, two;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    one = nt_handle_create(body, GENERIC_READ);
    two = nt_handle_create(body, GENERIC_WRITE);
    CHILD_CHECK(one != NULL && two != NULL && one != two && (uintptr_t)one % 4 == 0);
    CHILD_CHECK(nt_handle_count() == 2);
    ObDereferenceObject(body);
    CHILD_CHECK(destroyed == 0);
    CHILD_CHECK(ObReferenceObjectByHandle(one, 0, TYPE(book), KernelMode, &found, NULL) ==
                STATUS_SUCCESS);
    CHILD_CHECK(found == body);
    CHILD_CHECK(ZwClose(one) == STATUS_SUCCESS && closed == 0);
    CHILD_CHECK(ZwClose(two) == STATUS_SUCCESS && closed == 1 && destroyed == 0);
    ObDereferenceObject(found);
    CHILD_CHECK(destroyed == 1 && nt_handle_count() == 0);
}

static void test_handles(void)
{
    CHILD_PASSES(handles, NULL);
}

static void types_and_rights(void *unused)
{
    OBJECT_HANDLE_INFORMATION information;
    void *found = &found;
    void *body;
    HANDLE handle;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    handle = nt_handle_create(body, 0x5);
    CHILD_CHECK(ObReferenceObjectByHandle(handle, 0, TYPE(page), KernelMode, &found, NULL) ==
                STATUS_OBJECT_TYPE_MISMATCH);
    CHILD_CHECK(found == NULL);
    CHILD_CHECK(ObReferenceObjectByHandle(handle, 0x2, TYPE(book), UserMode, &found, NULL) ==
                STATUS_ACCESS_DENIED);
    CHILD_CHECK(ObReferenceObjectByHandle(handle, 0x2, NULL, KernelMode, &found, &information) ==
                STATUS_SUCCESS);
    CHILD_CHECK(information.GrantedAccess == 0x5);
    CHILD_CHECK(ObReferenceObjectByPointer(body, 0, TYPE(page), KernelMode) ==
                STATUS_OBJECT_TYPE_MISMATCH);
    CHILD_CHECK(ObReferenceObjectByPointer(body, 0, TYPE(book), KernelMode) == STATUS_SUCCESS);
    CHILD_CHECK(ObReferenceObjectByHandle((HANDLE)0x4444, 0, NULL, UserMode, &found, NULL) ==
                STATUS_INVALID_HANDLE);
    ObDereferenceObject(body);
    ObDereferenceObject(body);
    ObDereferenceObject(body);
    ZwClose(handle);
    CHILD_CHECK(destroyed == 1);
}

static void test_types_and_rights(void)
{
    CHILD_PASSES(types_and_rights, NULL);
}

/** A number that was closed is not given out again at once: whoever still uses it is found out. */
static void numbers_are_not_reused(void *unused)
{
    void *body;
    HANDLE first;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    first = nt_handle_create(body, 0);
    ZwClose(first);
    for (unsigned i = 0; i < 100000; i++) {
        HANDLE handle = nt_handle_create(body, 0);

        CHILD_CHECK(handle != NULL && handle != first);
        ZwClose(handle);
    }
    ObDereferenceObject(body);
}

static void test_numbers_are_not_reused(void)
{
    CHILD_PASSES(numbers_are_not_reused, NULL);
}

static void handles_run_out(void *unused)
{
    void *body;
    unsigned count = 0;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    while (nt_handle_create(body, 0) != NULL) {
        count++;
    }
    CHILD_CHECK(count == 16384 && nt_handle_count() == count);
}

static void test_handles_run_out(void)
{
    CHILD_PASSES(handles_run_out, NULL);
}

static void open_by_pointer(void *unused)
{
    HANDLE handle = NULL;
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    CHILD_CHECK(ObOpenObjectByPointer(body, OBJ_KERNEL_HANDLE, NULL, 1, TYPE(page), KernelMode,
                                      &handle) == STATUS_OBJECT_TYPE_MISMATCH);
    CHILD_CHECK(ObOpenObjectByPointer(body, OBJ_KERNEL_HANDLE, NULL, 1, TYPE(book), KernelMode,
                                      &handle) == STATUS_SUCCESS);
    ObDereferenceObject(body);
    CHILD_CHECK(destroyed == 0);
    ZwClose(handle);
    CHILD_CHECK(destroyed == 1 && closed == 1);
}

static void test_open_by_pointer(void)
{
    CHILD_PASSES(open_by_pointer, NULL);
}

static void exported_types(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    CHILD_CHECK(*PsThreadType == TYPE(nt_thread_type));
    CHILD_CHECK(*IoFileObjectType == TYPE(nt_file_type));
    CHILD_CHECK(*ExEventObjectType == TYPE(nt_event_type));
}

static void test_exported_types(void)
{
    CHILD_PASSES(exported_types, NULL);
}

/* --- wrong use --- */

static void dereference_once_too_often(void *unused)
{
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    ObDereferenceObject(body);
    ObDereferenceObject(body);
}

static void reference_the_dead(void *unused)
{
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    ObDereferenceObject(body);
    ObReferenceObject(body);
}

static void dereference_under_a_handle(void *unused)
{
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    nt_handle_create(body, 0);
    ObDereferenceObject(body);
    ObDereferenceObject(body);
}

static void reference_no_object(void *unused)
{
    static char nothing[100];

    UNREFERENCED_PARAMETER(unused);
    boot();
    ObReferenceObject(nothing + 64);
}

static void reference_null(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    ObDereferenceObject(NULL);
}

static void close_twice(void *unused)
{
    HANDLE handle;
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    handle = nt_handle_create(body, 0);
    ZwClose(handle);
    ZwClose(handle);
}

static void close_null(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    ZwClose(NULL);
}

static void use_closed_handle(void *unused)
{
    HANDLE handle;
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    body = nt_object_create(&book, 10);
    handle = nt_handle_create(body, 0);
    ZwClose(handle);
    ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &body, NULL);
}

static void use_null_handle(void *unused)
{
    void *body;

    UNREFERENCED_PARAMETER(unused);
    boot();
    ObReferenceObjectByHandle(NULL, 0, NULL, KernelMode, &body, NULL);
}

static void close_at_dispatch(void *unused)
{
    HANDLE handle;

    UNREFERENCED_PARAMETER(unused);
    boot();
    handle = nt_handle_create(nt_object_create(&book, 10), 0);
    nt_raise_irql(DISPATCH_LEVEL);
    ZwClose(handle);
}

static void test_wrong_counts(void)
{
    CHILD_BREAKS(RULE_OBJECT_REFERENCE, dereference_once_too_often, NULL);
    CHILD_BREAKS(RULE_OBJECT_REFERENCE, reference_the_dead, NULL);
    CHILD_BREAKS(RULE_OBJECT_REFERENCE, dereference_under_a_handle, NULL);
    CHILD_BREAKS(RULE_OBJECT_REFERENCE, reference_no_object, NULL);
    CHILD_BREAKS(RULE_OBJECT_REFERENCE, reference_null, NULL);
}

static void test_wrong_handles(void)
{
    CU_ASSERT_EQUAL(CHILD_BREAKS(RULE_HANDLE_CLOSE, close_twice, NULL).parameter[1], 1);
    CHILD_BREAKS(RULE_HANDLE_CLOSE, close_null, NULL);
    CHILD_BREAKS(RULE_HANDLE_BAD, use_closed_handle, NULL);
    CHILD_BREAKS(RULE_HANDLE_NULL, use_null_handle, NULL);
    CHILD_BREAKS(RULE_IRQL_ZW, close_at_dispatch, NULL);
}

CU_ErrorCode register_object_suite(void);
CU_ErrorCode register_object_suite(void)
{
    static CU_TestInfo tests[] = {
        {"the last reference destroys an object", test_references},
        {"the last handle closes an object", test_handles},
        {"types and rights are checked", test_types_and_rights},
        {"handle numbers are not used again soon", test_numbers_are_not_reused},
        {"handles run out", test_handles_run_out},
        {"a handle from a pointer", test_open_by_pointer},
        {"the exported types", test_exported_types},
        {"references counted wrongly", test_wrong_counts},
        {"handles used wrongly", test_wrong_handles},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: objects", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
