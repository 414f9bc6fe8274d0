/*
 * What the driver tells Storport about itself: the registration of DriverEntry, the description of
 * HwFindAdapter, and
 * the lists of what it can be asked to control. Each field with its reason.
 */
#include "support/linked.h"

#include "01-adapter/adapter.h"
#include "storport/internal.h"
#include "storport/port.h"

#include <CUnit/CUnit.h>

#include <string.h>

/* --- DriverEntry --- */

static void what_is_registered(void *argument)
{
    const HW_INITIALIZATION_DATA *data;

    (void)argument;
    linked_up();
    data = &PortTheAdapter->Driver->Data;
    /* Required of every virtual miniport. */
    CHILD_CHECK(data->HwFindAdapter == (PVOID)VminiHwFindAdapter &&
                data->HwInitialize == VminiHwInitialize);
    CHILD_CHECK(data->HwStartIo == VminiHwStartIo && data->HwResetBus == VminiHwResetBus);
    CHILD_CHECK(data->HwAdapterControl == VminiHwAdapterControl);
    CHILD_CHECK(data->HwFreeAdapterResources == VminiHwFreeAdapterResources);
    /* In pairs: who takes the first must have the second. */
    CHILD_CHECK(data->HwProcessServiceRequest == VminiHwProcessServiceRequest);
    CHILD_CHECK(data->HwCompleteServiceIrp == VminiHwCompleteServiceIrp);
    CHILD_CHECK(data->HwInitializeTracing == VminiHwInitializeTracing);
    CHILD_CHECK(data->HwCleanupTracing == VminiHwCleanupTracing);
    CHILD_CHECK(data->PortVersionFlags == SP_VER_TRACE_SUPPORT);
    CHILD_CHECK(data->HwUnitControl == VminiHwUnitControl);
    /* Must be NULL without a bus, an interrupt, DMA. */
    CHILD_CHECK(data->HwBuildIo == NULL && data->HwInterrupt == NULL && data->HwDmaStarted == NULL);
    CHILD_CHECK(data->HwAdapterState == NULL && data->AdapterInterfaceType == Internal);
    /* TRUE, or Storport refuses. */
    CHILD_CHECK(data->TaggedQueuing && data->AutoRequestSense && data->MultipleRequestPerLu &&
                data->NeedPhysicalAddresses);
    CHILD_CHECK(data->MapBuffers ==
                STOR_MAP_NON_READ_WRITE_BUFFERS); /* Read and write data go by MDL. */
    CHILD_CHECK(data->DeviceExtensionSize == sizeof(VMINI_ADAPTER) &&
                data->SpecificLuExtensionSize == 0);
    CHILD_CHECK(data->SrbExtensionSize == sizeof(VMINI_SRB_EXTENSION));
    CHILD_CHECK((data->FeatureSupport & STOR_FEATURE_VIRTUAL_MINIPORT) != 0);
    CHILD_CHECK((data->FeatureSupport & STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES) != 0);
    CHILD_CHECK(data->SrbTypeFlags ==
                (SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK | SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK));
    CHILD_CHECK(data->AddressTypeFlags == ADDRESS_TYPE_FLAG_BTL8);
    linked_down();
}

/* --- HwFindAdapter --- */

static void what_find_adapter_describes(void *argument)
{
    const PORT_CONFIGURATION_INFORMATION *config;
    PVMINI_ADAPTER adapter;

    (void)argument;
    linked_boot();
    host_set_parameter(LINKED_SERVICE, "NumberOfBuses", 3);
    host_set_parameter(LINKED_SERVICE, "MaximumTargets", 7);
    host_set_parameter(LINKED_SERVICE, "MaximumLuns", 255);
    linked_start();
    config = &PortTheAdapter->Config;
    adapter = linked_adapter();
    CHILD_CHECK(config->VirtualDevice == TRUE); /* No resources, no DMA adapter. */
    CHILD_CHECK(config->ScatterGather == TRUE); /* Else it does not fully initialise. */
    CHILD_CHECK(config->Master == TRUE && config->CachesData == TRUE &&
                config->ResetTargetSupported == TRUE);
    CHILD_CHECK(config->SynchronizationModel == StorSynchronizeFullDuplex);
    CHILD_CHECK(config->NumberOfBuses == 3 && config->MaximumNumberOfTargets == 7);
    CHILD_CHECK(config->MaximumNumberOfLogicalUnits == 255);
    CHILD_CHECK(config->MaximumTransferLength ==
                VMINI_MAXIMUM_TRANSFER_LENGTH); /* Never unlimited. */
    CHILD_CHECK(config->NumberOfPhysicalBreaks == VMINI_MAXIMUM_TRANSFER_LENGTH / PAGE_SIZE + 1);
    CHILD_CHECK(config->AlignmentMask == 0 &&
                config->MapBuffers == STOR_MAP_NON_READ_WRITE_BUFFERS);
    CHILD_CHECK(adapter->NumberOfBuses == 3 && adapter->MaximumTargets == 7 &&
                adapter->MaximumLuns == 255);
    CHILD_CHECK(adapter->Pdo != NULL && adapter->Fdo == port_fdo() &&
                adapter->InterfaceName.Buffer != NULL);
    linked_down();
}

/** Everything that the comment in HwFindAdapter says is left alone, is left alone. */
static void a_second_find_adapter(void *argument)
{
    PORT_CONFIGURATION_INFORMATION config;
    PORT_CONFIGURATION_INFORMATION expected;
    PVMINI_ADAPTER adapter;
    UNICODE_STRING name;
    BOOLEAN again = TRUE;

    (void)argument;
    linked_boot();
    linked_start();
    adapter = linked_adapter();
    name = adapter->InterfaceName;
    memset(&config, 0xEE, sizeof(config));
    expected = config;
    CHILD_CHECK(VminiHwFindAdapter(adapter, adapter->Pdo, adapter->Fdo, NULL, NULL, &config,
                                   &again) == SP_RETURN_FOUND);
    expected.VirtualDevice = expected.ScatterGather = expected.Master = TRUE;
    expected.CachesData = expected.ResetTargetSupported = TRUE;
    expected.SynchronizationModel = StorSynchronizeFullDuplex;
    expected.NumberOfBuses = 1;
    expected.MaximumNumberOfTargets = 16;
    expected.MaximumNumberOfLogicalUnits = 8;
    expected.MaximumTransferLength = VMINI_MAXIMUM_TRANSFER_LENGTH;
    expected.NumberOfPhysicalBreaks = VMINI_MAXIMUM_TRANSFER_LENGTH / PAGE_SIZE + 1;
    expected.AlignmentMask = 0;
    CHILD_CHECK(memcmp(&config, &expected, sizeof(config)) == 0);
    CHILD_CHECK(adapter->InterfaceName.Buffer == name.Buffer); /* Registered once. */
    CHILD_CHECK(
        VminiHwInitialize(adapter)); /* As after a stop: nothing is created a second time. */
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    linked_down();
}

static ULONG state_of_the_only_disk(void)
{
    VMINI_ACTIVE_LIST_OUT list;
    VMINI_COMMAND in;

    linked_header(&in, VminiCommandActiveList, sizeof(in));
    CHILD_CHECK(linked_call(&in, sizeof(in), &list, sizeof(list), NULL) == STATUS_SUCCESS);
    CHILD_CHECK(list.Total == 1);
    return list.Entries[0].State;
}

/** A stop that came with HwCompleteServiceIrp, and a start of the same adapter: what was connected is
 *  there as before, the interface takes requests again, and the CONNECT that was told
 *  STATUS_DEVICE_REMOVED has left nothing. */
static void a_start_after_everything_was_stopped(void *argument)
{
    struct host_file_fault slow = {
        .op = HOST_FILE_OPEN, .nth = 1, .short_to = UINT32_MAX, .hang = true};
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl ioctl;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    host_file_fault_add(&slow);
    linked_connect_in(&in, linked_image("b.img", 512), 0);
    linked_begin(&ioctl, &in, sizeof(in), &out, sizeof(out));
    linked_settle();
    VminiHwCompleteServiceIrp(linked_adapter());
    CHILD_CHECK(VminiHwAdapterControl(linked_adapter(), ScsiStopAdapter, NULL) ==
                ScsiAdapterControlSuccess);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_DEVICE_REMOVED);
    CHILD_CHECK(linked_connect(linked_image("b.img", 512), 0, NULL) != STATUS_SUCCESS);
    CHILD_CHECK(VminiHwInitialize(linked_adapter()));
    host_file_release();
    host_settle();
    linked_settle();
    CHILD_CHECK(state_of_the_only_disk() == 1);
    CHILD_CHECK(linked_connect(linked_image("b.img", 512), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == 2);
    linked_down();
}

/* --- control --- */

static PSCSI_SUPPORTED_CONTROL_TYPE_LIST list_of(ULONG maximum)
{
    SIZE_T bytes = FIELD_OFFSET(SCSI_SUPPORTED_CONTROL_TYPE_LIST, SupportedTypeList) + maximum;
    PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, 'tseT');

    CHILD_CHECK(list != NULL);
    memset(list, 0, bytes);
    list->MaxControlType = maximum;
    return list;
}

/** Lists of every length, in memory of just that length (guarded): the types that fit are marked,
 *  no other byte. */
static void lists_of_every_length(void *argument)
{
    (void)argument;
    linked_up();
    for (ULONG maximum = 0; maximum <= 40; maximum++) {
        PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = list_of(maximum);

        CHILD_CHECK(VminiHwAdapterControl(linked_adapter(), ScsiQuerySupportedControlTypes, list) ==
                    ScsiAdapterControlSuccess);
        for (ULONG type = 0; type < maximum; type++) {
            CHILD_CHECK(list->SupportedTypeList[type] ==
                        (type == ScsiQuerySupportedControlTypes || type == ScsiStopAdapter ||
                         type == ScsiRestartAdapter));
        }
        CHILD_CHECK(list->MaxControlType == maximum);
        memset(list->SupportedTypeList, 0, maximum);
        CHILD_CHECK(VminiHwUnitControl(linked_adapter(), ScsiQuerySupportedUnitControlTypes,
                                       list) == ScsiUnitControlSuccess);
        for (ULONG type = 0; type < maximum; type++) {
            CHILD_CHECK(list->SupportedTypeList[type] ==
                        (type == ScsiQuerySupportedUnitControlTypes || type == ScsiUnitStart ||
                         type == ScsiUnitRemove));
        }
        ExFreePoolWithTag(list, 'tseT');
    }
    linked_down();
}

static void types_that_were_not_offered(void *argument)
{
    STOR_ADDR_BTL8 address = {.Type = STOR_ADDRESS_TYPE_BTL8,
                              .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH};

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    for (int type = 0; type < 64; type++) {
        if (type != ScsiQuerySupportedControlTypes && type != ScsiStopAdapter &&
            type != ScsiRestartAdapter) {
            CHILD_CHECK(VminiHwAdapterControl(linked_adapter(), type, NULL) ==
                        ScsiAdapterControlUnsuccessful);
        }
        if (type != ScsiQuerySupportedUnitControlTypes) {
            CHILD_CHECK(VminiHwUnitControl(linked_adapter(), type, &address) ==
                        (type == ScsiUnitStart || type == ScsiUnitRemove
                             ? ScsiUnitControlSuccess
                             : ScsiUnitControlUnsuccessful));
        }
    }
    CHILD_CHECK(VminiBusCount(linked_adapter()) == 1); /* ScsiUnitRemove disconnects nothing. */
    linked_down();
}

LINKED_CASE(what_is_registered)
LINKED_CASE(what_find_adapter_describes)
LINKED_CASE(a_second_find_adapter)
LINKED_CASE(a_start_after_everything_was_stopped)
LINKED_CASE(lists_of_every_length)
LINKED_CASE(types_that_were_not_offered)

CU_ErrorCode register_registration_suite(void);
CU_ErrorCode register_registration_suite(void)
{
    CU_pSuite suite = CU_add_suite("01 registration", linked_folder_create, linked_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "DriverEntry registers", test_what_is_registered) == NULL ||
        CU_add_test(suite, "HwFindAdapter describes", test_what_find_adapter_describes) == NULL ||
        CU_add_test(suite, "a second HwFindAdapter, HwInitialize", test_a_second_find_adapter) ==
            NULL ||
        CU_add_test(suite, "a start after everything was stopped",
                    test_a_start_after_everything_was_stopped) == NULL ||
        CU_add_test(suite, "lists of control types of every length", test_lists_of_every_length) ==
            NULL ||
        CU_add_test(suite, "control types that were not offered",
                    test_types_that_were_not_offered) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
