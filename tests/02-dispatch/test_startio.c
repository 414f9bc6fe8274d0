/*
 * HwStartIo: each SRB function, in both forms of SRB, and what it ends with; resets; a stopped
 * adapter.
 */
#include "support/linked.h"

#include "02-dispatch/functions.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <string.h>

static const enum host_srb_type forms[] = {HOST_SRB_LEGACY, HOST_SRB_EXTENDED};

static void up_with_disks(enum host_srb_type form, ULONG second_flags)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 1, .processors = 2},
                                   .verifier = true,
                                   .srb_type = form};

    linked_boot_with(&options);
    host_set_parameter(LINKED_SERVICE, "MaximumTargets", 6); /* A scan asks each of them. */
    linked_start();
    CHILD_CHECK(linked_connect(linked_image("a.img", 64 * 512), 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(linked_connect(linked_image("b.img", 64 * 512), second_flags, NULL) ==
                STATUS_SUCCESS);
    host_settle();
}

/* --- functions --- */

static void each_function(void *argument)
{
    const enum host_srb_type *form = argument;
    uint8_t buffer[256];
    struct host_file_counts before;

    memset(buffer, 0, sizeof(buffer));
    up_with_disks(*form, VMINI_CONNECT_READ_ONLY);

    before = host_file_counts();
    CHILD_CHECK(host_send_flush(0, 0, 0) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_shutdown(0, 0, 0) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_shutdown(0, 0, 0) == SRB_STATUS_SUCCESS); /* Several may come. */
    CHILD_CHECK(host_file_counts().flushes == before.flushes + 3);
    CHILD_CHECK(host_send_flush(0, 1, 0) ==
                SRB_STATUS_SUCCESS); /* Read only: nothing to make durable. */
    CHILD_CHECK(host_file_counts().flushes == before.flushes + 3);
    CHILD_CHECK(host_send_flush(0, 5, 0) == SRB_STATUS_NO_DEVICE);

    CHILD_CHECK(host_send_power(0, 0, 0, 4, 2) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_io_control(buffer, sizeof(buffer)) == SRB_STATUS_INVALID_REQUEST);
    CHILD_CHECK(host_send_wmi(0, 0, 0, buffer, sizeof(buffer)) == SRB_STATUS_INVALID_REQUEST);
    CHILD_CHECK(host_send_dump_pointers(buffer, sizeof(buffer)) == SRB_STATUS_INVALID_REQUEST);
    linked_down();
}

static void test_functions(void)
{
    for (unsigned i = 0; i < RTL_NUMBER_OF(forms); i++) {
        CHILD_PASSES(each_function, (void *)(uintptr_t)&forms[i]);
    }
}

/** A flush that fails is no success, though nobody looks for sense data. */
static void a_flush_that_fails(void *argument)
{
    struct host_file_fault rule = {HOST_FILE_FLUSH, 1, false, EIO, UINT32_MAX, false};

    (void)argument;
    up_with_disks(HOST_SRB_DEFAULT, 0);
    host_file_fault_add(&rule);
    CHILD_CHECK(host_send_flush(0, 0, 0) == SRB_STATUS_ERROR);
    host_file_faults_clear();
    CHILD_CHECK(host_send_flush(0, 0, 0) == SRB_STATUS_SUCCESS);
    linked_down();
}

/** Functions that Storport sends to no miniport, and bytes that are no function, have no row:
 * refused, by the port's own
 *  way, whatever form the SRB has. */
static void functions_without_a_row(void *argument)
{
    static const UCHAR unknown[] = {SRB_FUNCTION_RECEIVE_EVENT,
                                    SRB_FUNCTION_TERMINATE_IO,
                                    SRB_FUNCTION_RELEASE_RECOVERY,
                                    0x0F,
                                    0x29,
                                    0x7F,
                                    0xFE};
    const enum host_srb_type *form = argument;
    struct host_request *request;

    up_with_disks(*form, 0);
    request = host_request_create();
    for (unsigned i = 0; i < RTL_NUMBER_OF(unknown); i++) {
        request->function = unknown[i];
        CHILD_CHECK(host_execute(request) == SRB_STATUS_INVALID_REQUEST);
    }
    request->function = SRB_FUNCTION_ABORT_COMMAND; /* Only for those who ask for it. */
    CHILD_CHECK(host_execute(request) == SRB_STATUS_ABORT_FAILED);
    host_request_free(request);
    linked_down();
}

static void test_unknown_functions(void)
{
    for (unsigned i = 0; i < RTL_NUMBER_OF(forms); i++) {
        CHILD_PASSES(functions_without_a_row, (void *)(uintptr_t)&forms[i]);
    }
}

/* --- PnP --- */

static void capabilities_of_every_length(void *argument)
{
    const enum host_srb_type *form = argument;

    up_with_disks(*form, VMINI_CONNECT_REMOVABLE);
    for (uint32_t length = 0; length <= sizeof(STOR_DEVICE_CAPABILITIES_EX) + 8; length++) {
        uint8_t buffer[64];
        uint8_t status;

        for (unsigned target = 0; target < 2; target++) {
            memset(buffer, 0xEE, sizeof(buffer));
            status =
                host_send_pnp(0, (uint8_t)target, 0, false, StorQueryCapabilities, buffer, length);
            CHILD_CHECK(status == (length < sizeof(STOR_DEVICE_CAPABILITIES)
                                       ? SRB_STATUS_INVALID_REQUEST
                                       : SRB_STATUS_SUCCESS));
            CHILD_CHECK(buffer[length] == 0xEE);
            if (length >= sizeof(STOR_DEVICE_CAPABILITIES_EX)) {
                STOR_DEVICE_CAPABILITIES_EX *full = (STOR_DEVICE_CAPABILITIES_EX *)(void *)buffer;
                CHILD_CHECK(full->Version == STOR_DEVICE_CAPABILITIES_EX_VERSION_1 &&
                            full->Size == sizeof(*full));
                CHILD_CHECK(full->Removable == target && full->SurpriseRemovalOK == 0 &&
                            full->UniqueID == 1);
            } else if (length >= sizeof(STOR_DEVICE_CAPABILITIES)) {
                STOR_DEVICE_CAPABILITIES *brief = (STOR_DEVICE_CAPABILITIES *)(void *)buffer;
                CHILD_CHECK(brief->Version == 1 && brief->Removable == target &&
                            brief->SurpriseRemovalOK == 0);
            }
        }
    }
    CHILD_CHECK(host_send_pnp(0, 9, 0, false, StorQueryCapabilities, NULL, 0) ==
                SRB_STATUS_NO_DEVICE);
    linked_down();
}

static void actions(void *argument)
{
    const enum host_srb_type *form = argument;
    uint8_t buffer[24];

    up_with_disks(*form, 0);
    CHILD_CHECK(host_send_pnp(0, 0, 0, false, StorStartDevice, NULL, 0) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_pnp(0, 0, 0, false, StorStopDevice, NULL, 0) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_pnp(0, 0, 0, false, StorRemoveDevice, NULL, 0) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_pnp(0, 0, 0, false, StorSurpriseRemoval, NULL, 0) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(host_send_pnp(0, 0, 0, false, 0x42, NULL, 0) == SRB_STATUS_INVALID_REQUEST);
    CHILD_CHECK(VminiBusCount(linked_adapter()) ==
                2); /* Windows has let go of it; it is still connected. */
    /* About the adapter: the address means nothing. */
    CHILD_CHECK(host_send_pnp(0, 9, 0, true, StorQueryCapabilities, buffer, 24) ==
                SRB_STATUS_SUCCESS);
    CHILD_CHECK(((STOR_DEVICE_CAPABILITIES_EX *)(void *)buffer)->Removable == 0);
    CHILD_CHECK(host_send_pnp(0, 0, 0, true, StorRemoveDevice, NULL, 0) ==
                SRB_STATUS_INVALID_REQUEST);
    linked_down();
}

static void test_pnp(void)
{
    for (unsigned i = 0; i < RTL_NUMBER_OF(forms); i++) {
        CHILD_PASSES(capabilities_of_every_length, (void *)(uintptr_t)&forms[i]);
        CHILD_PASSES(actions, (void *)(uintptr_t)&forms[i]);
    }
}

/* --- addresses --- */

static uint8_t inquiry(uint8_t target, uint8_t lun, uint8_t *data)
{
    struct host_request *request = host_request_create();
    uint8_t status;

    request->target = target;
    request->lun = lun;
    request->cdb[0] = SCSIOP_INQUIRY;
    request->cdb[4] = 36;
    request->cdb_length = 6;
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = 36;
    status = host_execute(request);
    host_request_free(request);
    return status;
}

static void lun_zero_answers_for_its_target(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    uint8_t data[36];

    (void)argument;
    linked_up();
    linked_connect_in(&in, linked_image("a.img", 512), 0);
    in.Address = (VMINI_ADDRESS){0, 3, 5, 0};
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_SUCCESS);
    CHILD_CHECK(inquiry(3, 5, data) == SRB_STATUS_SUCCESS && data[0] == DIRECT_ACCESS_DEVICE);
    CHILD_CHECK(inquiry(3, 0, data) == SRB_STATUS_SUCCESS &&
                data[0] == 0x7F); /* Nobody, but of a target that is. */
    CHILD_CHECK(inquiry(3, 1, data) == SRB_STATUS_NO_DEVICE);
    CHILD_CHECK(inquiry(4, 0, data) == SRB_STATUS_NO_DEVICE);
    linked_down();
}

/* --- resets --- */

struct hung_read {
    struct host_request *request;
    uint8_t data[512];
    bool done;
};

static void hung_done(struct host_request *request)
{
    ((struct hung_read *)request->context)->done = true;
}

static void hung_start(struct hung_read *read, uint8_t target, uint8_t lun)
{
    memset(read, 0, sizeof(*read));
    read->request = host_request_create();
    read->request->target = target;
    read->request->lun = lun;
    read->request->cdb[0] = SCSIOP_READ;
    read->request->cdb[8] = 1;
    read->request->cdb_length = 10;
    read->request->direction = HOST_DATA_IN;
    read->request->data = read->data;
    read->request->data_length = 512;
    read->request->timeout = 600;
    read->request->context = read;
    read->request->done = hung_done;
    host_submit(read->request);
}

static void a_reset_ends_what_hangs(void *argument)
{
    const enum host_reset_level *level = argument;
    struct host_file_fault rule = {HOST_FILE_READ, 1, true, 0, UINT32_MAX, true};
    struct hung_read reads[2];

    up_with_disks(HOST_SRB_DEFAULT, 0);
    host_file_fault_add(&rule);
    hung_start(&reads[0], 0, 0);
    hung_start(&reads[1], 1, 0);
    linked_settle();
    CHILD_CHECK(!reads[0].done && !reads[1].done);
    CHILD_CHECK(host_reset(*level, 0, 0, 0));
    host_file_faults_clear();
    CHILD_CHECK(reads[0].done && SRB_STATUS(reads[0].request->srb_status) == SRB_STATUS_BUS_RESET);
    CHILD_CHECK(reads[0].request->transferred == 0);
    linked_settle();
    CHILD_CHECK(reads[1].done ==
                (*level == HOST_RESET_BUS)); /* The other target's only with the bus. */
    host_file_release();
    for (unsigned i = 0; i < 2; i++) {
        host_wait(reads[i].request);
        host_request_free(reads[i].request);
    }
    linked_down();
}

static void test_resets(void)
{
    static const enum host_reset_level levels[] = {HOST_RESET_UNIT, HOST_RESET_TARGET,
                                                   HOST_RESET_BUS};

    for (unsigned i = 0; i < RTL_NUMBER_OF(levels); i++) {
        CHILD_PASSES(a_reset_ends_what_hangs, (void *)(uintptr_t)&levels[i]);
    }
}

/** A reset clears what a unit remembers of its initiator. */
static void a_reset_allows_removal_again(void *argument)
{
    VMINI_ADDRESS address = {0, 1, 0, 0};
    struct host_request *request = NULL;
    PVMINI_DEVICE device;

    (void)argument;
    up_with_disks(HOST_SRB_DEFAULT, VMINI_CONNECT_REMOVABLE);
    request = host_request_create();
    request->target = 1;
    request->cdb[0] = SCSIOP_MEDIUM_REMOVAL;
    request->cdb[4] = 1;
    request->cdb_length = 6;
    CHILD_CHECK(host_execute(request) == SRB_STATUS_SUCCESS);
    device = VminiBusFind(linked_adapter(), address);
    CHILD_CHECK(device->Unit.Prevented != 0);
    CHILD_CHECK(host_reset(HOST_RESET_UNIT, 0, 0, 0) &&
                device->Unit.Prevented != 0); /* Another unit's. */
    CHILD_CHECK(host_reset(HOST_RESET_UNIT, 0, 1, 0) && device->Unit.Prevented == 0);
    VminiBusDereference(linked_adapter(), device);
    host_request_free(request);
    linked_down();
}

/** The unit goes while its requests are in flight: they end, the file is closed after the last of
 *  them. */
static void disconnect_races_with_reads(void *argument)
{
    struct hung_read reads[4];
    VMINI_DISCONNECT_IN in;
    struct host_ioctl ioctl;

    (void)argument;
    up_with_disks(HOST_SRB_DEFAULT, 0);
    for (unsigned i = 0; i < 3; i++) {
        hung_start(&reads[i], 0, 0);
    }
    linked_disconnect_in(&in, linked_image("a.img", 64 * 512), NULL);
    linked_begin(&ioctl, &in, sizeof(in), NULL, 0);
    hung_start(&reads[3], 0, 0);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_SUCCESS);
    for (unsigned i = 0; i < 4; i++) {
        uint8_t status;

        host_wait(reads[i].request);
        status = SRB_STATUS(reads[i].request->srb_status);
        CHILD_CHECK(status == SRB_STATUS_SUCCESS || status == SRB_STATUS_NO_DEVICE);
        host_request_free(reads[i].request);
    }
    linked_down();
}

static void test_disconnect_races(void)
{
    linked_sweep(disconnect_races_with_reads, NULL, 25);
}

/* --- a stopped adapter --- */

static void a_stopped_adapter_starts_nothing(void *argument)
{
    SCSI_REQUEST_BLOCK srb;
    struct host_error error;
    uint8_t data[36];

    (void)argument;
    up_with_disks(HOST_SRB_DEFAULT, 0);
    CHILD_CHECK(host_adapter_stop(&error));
    memset(&srb, 0, sizeof(srb));
    srb.Length = sizeof(srb);
    srb.Function = SRB_FUNCTION_EXECUTE_SCSI;
    CHILD_CHECK(VminiSrbExecuteScsi(linked_adapter(), &srb) == SRB_STATUS_NOT_POWERED);
    CHILD_CHECK(host_adapter_restart(&error));
    CHILD_CHECK(inquiry(0, 0, data) == SRB_STATUS_SUCCESS);
    linked_down();
}

LINKED_CASE(a_flush_that_fails)
LINKED_CASE(lun_zero_answers_for_its_target)
LINKED_CASE(a_reset_allows_removal_again)
LINKED_CASE(a_stopped_adapter_starts_nothing)

CU_ErrorCode register_startio_suite(void);
CU_ErrorCode register_startio_suite(void)
{
    CU_pSuite suite = CU_add_suite("02 start io", linked_folder_create, linked_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "each function, in both forms of SRB", test_functions) == NULL ||
        CU_add_test(suite, "a flush that fails", test_a_flush_that_fails) == NULL ||
        CU_add_test(suite, "functions that no miniport gets", test_unknown_functions) == NULL ||
        CU_add_test(suite, "PnP: actions, and capabilities of every length", test_pnp) == NULL ||
        CU_add_test(suite, "LUN 0 answers for its target", test_lun_zero_answers_for_its_target) ==
            NULL ||
        CU_add_test(suite, "unit, target, bus: a reset ends what hangs", test_resets) == NULL ||
        CU_add_test(suite, "a reset allows removal again", test_a_reset_allows_removal_again) ==
            NULL ||
        CU_add_test(suite, "DISCONNECT with reads in flight, by seeds", test_disconnect_races) ==
            NULL ||
        CU_add_test(suite, "a stopped adapter starts nothing",
                    test_a_stopped_adapter_starts_nothing) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
