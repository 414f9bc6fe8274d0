/*
 * The Parameters key: what an administrator may have typed there. A value that is missing, of
 * another type, too long or
 * out of range is its default; nothing fails a load.
 */
#include "vmini.h"

#include "host.h"
#include "nt/io.h"
#include "nt/nt.h"
#include "support/child.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#define SERVICE    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini"
#define PARAMETERS SERVICE "\\Parameters"

struct value {
    const char *name;
    size_t offset;
    uint32_t normal, minimum, maximum;
};
static const struct value values[] = {
    {"BreakOnEntry", offsetof(VMINI_CONFIG, BreakOnEntry), 0, 0, 1},
    {"TraceLevel", offsetof(VMINI_CONFIG, TraceLevel), TRACE_LEVEL_ERROR, 0, TRACE_LEVEL_VERBOSE},
    {"TraceFlags", offsetof(VMINI_CONFIG, TraceFlags), 0xFFFFFFFF, 0, 0xFFFFFFFF},
    {"NumberOfWorkers", offsetof(VMINI_CONFIG, NumberOfWorkers), 0, 0, 64},
    {"NumberOfBuses", offsetof(VMINI_CONFIG, NumberOfBuses), 1, 1, 255},
    {"MaximumTargets", offsetof(VMINI_CONFIG, MaximumTargets), 16, 1, 255},
    {"MaximumLuns", offsetof(VMINI_CONFIG, MaximumLuns), 8, 1, 255},
};

static uint32_t of(const VMINI_CONFIG *config, const struct value *value)
{
    uint32_t result;

    memcpy(&result, (const char *)config + value->offset, sizeof(result));
    return result;
}

static void boot(void)
{
    struct sched_options options = {.kind = SCHED_SEEDED, .seed = 1, .processors = 2};
    struct host_error error;

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
    CHILD_CHECK(nt_io_boot(NULL, NULL, &error));
    verifier_load_census();
}

static void halt(void)
{
    CHILD_CHECK(verifier_census(stderr) == 0); /* Both keys are closed. */
    nt_io_halt(NULL);
    sched_halt();
}

static NTSTATUS read_config(VMINI_CONFIG *config)
{
    static WCHAR path[] = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\vmini";
    UNICODE_STRING registry;

    memset(config, 0xEE, sizeof(*config));
    RtlInitUnicodeString(&registry, path);
    return VminiConfigRead(&registry, config);
}

/** All are defaults but `changed`, which is `expected`. */
static void check(const struct value *changed, uint32_t expected)
{
    VMINI_CONFIG config;

    CHILD_CHECK(read_config(&config) == STATUS_SUCCESS);
    for (unsigned i = 0; i < RTL_NUMBER_OF(values); i++) {
        CHILD_CHECK(of(&config, &values[i]) ==
                    (&values[i] == changed ? expected : values[i].normal));
    }
}

static void keys_that_are_missing(void *argument)
{
    VMINI_CONFIG config;

    (void)argument;
    boot();
    CHILD_CHECK(read_config(&config) == STATUS_OBJECT_NAME_NOT_FOUND); /* No service key. */
    for (unsigned i = 0; i < RTL_NUMBER_OF(values); i++) {
        CHILD_CHECK(of(&config, &values[i]) == values[i].normal);
    }
    nt_registry_create_key(SERVICE);
    CHILD_CHECK(read_config(&config) == STATUS_OBJECT_NAME_NOT_FOUND); /* No Parameters. */
    for (unsigned i = 0; i < RTL_NUMBER_OF(values); i++) {
        CHILD_CHECK(of(&config, &values[i]) == values[i].normal);
    }
    nt_registry_create_key(PARAMETERS);
    check(NULL, 0); /* An empty one. */
    halt();
}

static void each_value(void *argument)
{
    (void)argument;
    boot();
    nt_registry_create_key(PARAMETERS);
    for (unsigned i = 0; i < RTL_NUMBER_OF(values); i++) {
        const struct value *value = &values[i];
        uint8_t bytes[16] = {value->maximum == 0xFFFFFFFF ? 5 : (uint8_t)value->maximum};

        /* In range. */
        nt_registry_set_dword(PARAMETERS, value->name, value->minimum);
        check(value, value->minimum);
        nt_registry_set_dword(PARAMETERS, value->name, value->maximum);
        check(value, value->maximum);
        nt_registry_set_dword(PARAMETERS, value->name, value->maximum / 2 + value->maximum % 2);
        check(value, value->maximum / 2 + value->maximum % 2);

        /* Out of range. */
        if (value->minimum != 0) {
            nt_registry_set_dword(PARAMETERS, value->name, value->minimum - 1);
            check(value, value->normal);
        }
        if (value->maximum != 0xFFFFFFFF) {
            nt_registry_set_dword(PARAMETERS, value->name, value->maximum + 1);
            check(value, value->normal);
            nt_registry_set_dword(PARAMETERS, value->name, 0xFFFFFFFF);
            check(value, value->normal);
            nt_registry_set_dword(PARAMETERS, value->name,
                                  256 + value->maximum); /* In range as a byte. */
            check(value, value->normal);
        }

        /* Of another type, with bytes that would do. */
        nt_registry_set(PARAMETERS, value->name, REG_BINARY, bytes, 4);
        check(value, value->normal);
        nt_registry_set(PARAMETERS, value->name, REG_QWORD, bytes, 8);
        check(value, value->normal);
        nt_registry_set_string(PARAMETERS, value->name, "1", false);
        check(value, value->normal);

        /* Called a REG_DWORD, and of another length. */
        for (ULONG length = 0; length <= sizeof(bytes); length++) {
            nt_registry_set(PARAMETERS, value->name, REG_DWORD, bytes, length);
            check(value, length == 4 ? bytes[0] : value->normal);
        }
        nt_registry_delete_tree(PARAMETERS);
        nt_registry_create_key(PARAMETERS);
    }
    halt();
}

static void names_in_any_case(void *argument)
{
    (void)argument;
    boot();
    nt_registry_set_dword(PARAMETERS, "maximumTARGETS", 99);
    check(&values[5], 99);
    nt_registry_set_dword(PARAMETERS, "SomethingElse", 1); /* Nobody's. */
    check(&values[5], 99);
    halt();
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(keys_that_are_missing)
CASE(each_value)
CASE(names_in_any_case)

CU_ErrorCode register_parameters_suite(void);
CU_ErrorCode register_parameters_suite(void)
{
    CU_pSuite suite = CU_add_suite("05 parameters", NULL, NULL);

    if (suite == NULL ||
        CU_add_test(suite, "keys that are missing", test_keys_that_are_missing) == NULL ||
        CU_add_test(suite, "each value: in range, out of it, of another type, of another length",
                    test_each_value) == NULL ||
        CU_add_test(suite, "names in any case", test_names_in_any_case) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
