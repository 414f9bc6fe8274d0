/*
 * srbhelper.h on both forms of an SRB: the same calls on a legacy block and on an extended one
 * built as a class driver builds it (header, address, data blocks at offsets), and on blocks whose
 * offsets point nowhere. A helper that followed a bad offset would read outside the block, which is
 * why the blocks here end where their memory ends (run it under a sanitizer).
 */
#include <ntifs.h>

#include <srbhelper.h>

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char things[8];

/* An extended SRB of `size` bytes with an address and one data block; the caller frees it. */
static PSTORAGE_REQUEST_BLOCK make_extended(ULONG function, SRBEXDATATYPE type, ULONG size)
{
    const ULONG address = sizeof(STORAGE_REQUEST_BLOCK);
    const ULONG data = address + sizeof(STOR_ADDR_BTL8);
    PSTORAGE_REQUEST_BLOCK srb = calloc(1, size);
    PSTOR_ADDR_BTL8 btl8;

    if (srb == NULL) {
        abort();
    }
    srb->Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);
    srb->Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
    srb->Signature = SRB_SIGNATURE;
    srb->Version = STORAGE_REQUEST_BLOCK_VERSION_1;
    srb->SrbLength = size;
    srb->SrbFunction = function;
    srb->AddressOffset = address;
    srb->NumSrbExData = 1;
    srb->SrbExDataOffset[0] = data;
    btl8 = (PSTOR_ADDR_BTL8)SrbGetAddress(srb);
    btl8->Type = STOR_ADDRESS_TYPE_BTL8;
    btl8->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
    btl8->Path = 1;
    btl8->Target = 2;
    btl8->Lun = 3;
    SrbGetSrbExDataByIndex(srb, 0)->Type = type;
    return srb;
}

static PSTORAGE_REQUEST_BLOCK make_scsi(SRBEXDATATYPE type, ULONG data_size)
{
    return make_extended(SRB_FUNCTION_EXECUTE_SCSI, type,
                         (ULONG)(sizeof(STORAGE_REQUEST_BLOCK) + sizeof(STOR_ADDR_BTL8)) +
                             data_size);
}

static PSCSI_REQUEST_BLOCK make_legacy(UCHAR function)
{
    PSCSI_REQUEST_BLOCK srb = calloc(1, sizeof(*srb));

    if (srb == NULL) {
        abort();
    }
    srb->Length = sizeof(*srb);
    srb->Function = function;
    srb->PathId = 1;
    srb->TargetId = 2;
    srb->Lun = 3;
    return srb;
}

/* Every field that both forms have: set, read back, and nothing else changed its value. */
static void check_common(PVOID srb)
{
    SrbSetSrbStatus(srb, SRB_STATUS_BUSY);
    SrbSetDataBuffer(srb, &things[0]);
    SrbSetDataTransferLength(srb, 0x12345678);
    SrbSetTimeOutValue(srb, 60);
    SrbSetOriginalRequest(srb, &things[1]);
    SrbSetNextSrb(srb, &things[2]);
    SrbSetMiniportContext(srb, &things[3]);
    SrbSetRequestTag(srb, 0x55);
    SrbSetRequestAttribute(srb, SRB_ORDERED_QUEUE_TAG_REQUEST);
    SrbSetSystemStatus(srb, 0xC0000001);
    SrbAssignSrbFlags(srb, SRB_FLAGS_DATA_IN);
    SrbSetSrbFlags(srb, SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_DISABLE_AUTOSENSE);
    SrbClearSrbFlags(srb, SRB_FLAGS_DISABLE_AUTOSENSE);

    CU_ASSERT_EQUAL(SrbGetSrbStatus(srb), SRB_STATUS_BUSY);
    CU_ASSERT_PTR_EQUAL(SrbGetDataBuffer(srb), &things[0]);
    CU_ASSERT_EQUAL(SrbGetDataTransferLength(srb), 0x12345678);
    CU_ASSERT_EQUAL(SrbGetTimeOutValue(srb), 60);
    CU_ASSERT_PTR_EQUAL(SrbGetOriginalRequest(srb), &things[1]);
    CU_ASSERT_PTR_EQUAL(SrbGetNextSrb(srb), &things[2]);
    CU_ASSERT_PTR_EQUAL(SrbGetMiniportContext(srb), &things[3]);
    CU_ASSERT_EQUAL(SrbGetRequestTag(srb), 0x55);
    CU_ASSERT_EQUAL(SrbGetRequestAttribute(srb), SRB_ORDERED_QUEUE_TAG_REQUEST);
    CU_ASSERT_EQUAL(SrbGetSystemStatus(srb), 0xC0000001);
    CU_ASSERT_EQUAL(SrbGetSrbFlags(srb), SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE);
    CU_ASSERT_EQUAL(SrbGetPathId(srb), 1);
    CU_ASSERT_EQUAL(SrbGetTargetId(srb), 2);
    CU_ASSERT_EQUAL(SrbGetLun(srb), 3);
    CU_ASSERT_EQUAL(SrbGetSrbFunction(srb), SRB_FUNCTION_EXECUTE_SCSI);
}

/* The SCSI part, and where it must have landed. */
static void check_scsi(PVOID srb, UCHAR *cdb)
{
    SrbSetScsiStatus(srb, SCSISTAT_CHECK_CONDITION);
    SrbSetSenseInfoBuffer(srb, &things[4]);
    SrbSetSenseInfoBufferLength(srb, 18);
    cdb[0] = SCSIOP_READ;

    CU_ASSERT_PTR_EQUAL(SrbGetCdb(srb), cdb);
    CU_ASSERT_EQUAL(SrbGetCdb(srb)->CDB10.OperationCode, SCSIOP_READ);
    CU_ASSERT_EQUAL(SrbGetScsiStatus(srb), SCSISTAT_CHECK_CONDITION);
    CU_ASSERT_PTR_EQUAL(SrbGetSenseInfoBuffer(srb), &things[4]);
    CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(srb), 18);
}

static void test_legacy(void)
{
    PSCSI_REQUEST_BLOCK srb = make_legacy(SRB_FUNCTION_EXECUTE_SCSI);

    check_common(srb);
    check_scsi(srb, srb->Cdb);
    SrbSetCdbLength(srb, 10);
    CU_ASSERT_EQUAL(srb->CdbLength, 10);
    CU_ASSERT_EQUAL(SrbGetCdbLength(srb), 10);
    CU_ASSERT_PTR_EQUAL(srb->SrbExtension, &things[3]);
    CU_ASSERT_EQUAL(srb->QueueAction, SRB_ORDERED_QUEUE_TAG_REQUEST);
    CU_ASSERT_PTR_NULL(SrbGetAddress((PSTORAGE_REQUEST_BLOCK)srb));
    CU_ASSERT_PTR_NULL(SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)srb, SrbExDataTypeScsiCdb16));
    free(srb);
}

static void test_extended_fixed(void)
{
    PSTORAGE_REQUEST_BLOCK srb = make_scsi(SrbExDataTypeScsiCdb16, sizeof(SRBEX_DATA_SCSI_CDB16));
    PSRBEX_DATA_SCSI_CDB16 data16 = (PVOID)SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdb16);
    PSRBEX_DATA_SCSI_CDB32 data32;

    CU_ASSERT_PTR_NOT_NULL_FATAL(data16);
    check_common(srb);
    check_scsi(srb, data16->Cdb);
    SrbSetCdbLength(srb, 16);
    CU_ASSERT_EQUAL(data16->CdbLength, 16);
    CU_ASSERT_EQUAL(SrbGetCdbLength(srb), 16);
    CU_ASSERT_PTR_EQUAL(srb->MiniportContext, &things[3]);
    CU_ASSERT_PTR_NULL(SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdb32));
    free(srb);

    srb = make_scsi(SrbExDataTypeScsiCdb32, sizeof(SRBEX_DATA_SCSI_CDB32));
    data32 = (PVOID)SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdb32);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data32);
    check_scsi(srb, data32->Cdb);
    SrbSetCdbLength(srb, 32);
    CU_ASSERT_EQUAL(SrbGetCdbLength(srb), 32);
    free(srb);
}

static void test_extended_variable(void)
{
    PSTORAGE_REQUEST_BLOCK srb =
        make_scsi(SrbExDataTypeScsiCdbVar, sizeof(SRBEX_DATA_SCSI_CDB_VAR) + 256);
    PSRBEX_DATA_SCSI_CDB_VAR data = (PVOID)SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdbVar);
    ULONG length = 260, length32 = 0;
    UCHAR length8 = 1;

    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    check_scsi(srb, data->Cdb);
    SrbSetScsiData(srb, NULL, &length, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(data->CdbLength, 260);
    CU_ASSERT_EQUAL(SrbGetCdbLength(srb), 260);
    CU_ASSERT_PTR_EQUAL(SrbGetScsiData(srb, &length8, &length32, NULL, NULL, NULL), data->Cdb);
    CU_ASSERT_EQUAL(length8, 0);
    CU_ASSERT_EQUAL(length32, 260);
    free(srb);
}

/* A block whose SCSI part cannot be found: getters say so, setters do nothing. */
static void check_no_scsi(PVOID srb)
{
    UCHAR length8 = 1, status = 1, sense_length = 1;
    ULONG length32 = 1, size = SrbGetSrbLength(srb);
    PVOID sense = &things[0], before = malloc(size);

    if (before == NULL) {
        abort();
    }
    CU_ASSERT_PTR_NULL(SrbGetScsiData(srb, &length8, &length32, &status, &sense, &sense_length));
    CU_ASSERT_EQUAL(length8 | length32 | status | sense_length, 0);
    CU_ASSERT_PTR_NULL(sense);
    CU_ASSERT_PTR_NULL(SrbGetCdb(srb));
    CU_ASSERT_EQUAL(SrbGetCdbLength(srb), 0);

    memcpy(before, srb, size);
    SrbSetCdbLength(srb, 16);
    SrbSetScsiStatus(srb, SCSISTAT_BUSY);
    SrbSetSenseInfoBuffer(srb, &things[1]);
    SrbSetSenseInfoBufferLength(srb, 252);
    CU_ASSERT_EQUAL(memcmp(before, srb, size), 0);
    free(before);
}

static void test_bad_offsets(void)
{
    static const struct {
        const char *what;
        ULONG offset;
    } bad[] = {
        {"zero", 0},
        {"into the header", sizeof(STORAGE_REQUEST_BLOCK) - 8},
        {"at the end",
         sizeof(STORAGE_REQUEST_BLOCK) + sizeof(STOR_ADDR_BTL8) + sizeof(SRBEX_DATA_SCSI_CDB16)},
        {"behind the end", 0x10000},
        {"at the end of the world", 0xFFFFFFFF},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        PSTORAGE_REQUEST_BLOCK srb =
            make_scsi(SrbExDataTypeScsiCdb16, sizeof(SRBEX_DATA_SCSI_CDB16));
        UCHAR path = 1, target = 1, lun = 1;

        srb->SrbExDataOffset[0] = bad[i].offset;
        CU_assertImplementation(SrbGetSrbExDataByIndex(srb, 0) == NULL, __LINE__, bad[i].what,
                                __FILE__, "", CU_FALSE);
        check_no_scsi(srb);

        srb->AddressOffset = bad[i].offset;
        CU_assertImplementation(SrbGetAddress(srb) == NULL, __LINE__, bad[i].what, __FILE__, "",
                                CU_FALSE);
        CU_ASSERT_FALSE(SrbGetPathTargetLun(srb, &path, &target, &lun));
        CU_ASSERT_EQUAL(path & target & lun, SP_UNTAGGED);
        free(srb);
    }
}

static void test_not_scsi(void)
{
    PSTORAGE_REQUEST_BLOCK extended;
    PSCSI_REQUEST_BLOCK legacy = make_legacy(SRB_FUNCTION_PNP);

    check_no_scsi(legacy);
    free(legacy);
    extended = make_extended(SRB_FUNCTION_RESET_LOGICAL_UNIT, SrbExDataTypeUnknown, 0x100);
    check_no_scsi(extended);
    extended->NumSrbExData = 0;
    CU_ASSERT_PTR_NULL(SrbGetSrbExDataByIndex(extended, 0));
    CU_ASSERT_PTR_NULL(SrbGetSrbExDataByType(extended, SrbExDataTypeUnknown));
    free(extended);
}

static void test_unknown_address(void)
{
    PSTORAGE_REQUEST_BLOCK srb = make_scsi(SrbExDataTypeScsiCdb16, sizeof(SRBEX_DATA_SCSI_CDB16));

    SrbGetAddress(srb)->Type = STOR_ADDRESS_TYPE_UNKNOWN;
    CU_ASSERT_FALSE(SrbGetPathTargetLun(srb, NULL, NULL, NULL));
    CU_ASSERT_EQUAL(SrbGetLun(srb), SP_UNTAGGED);
    free(srb);
}

static void test_copy_and_zero(void)
{
    PSTORAGE_REQUEST_BLOCK srb = make_scsi(SrbExDataTypeScsiCdb16, sizeof(SRBEX_DATA_SCSI_CDB16));
    PSTORAGE_REQUEST_BLOCK copy = calloc(1, srb->SrbLength);
    PSCSI_REQUEST_BLOCK legacy = make_legacy(SRB_FUNCTION_EXECUTE_SCSI);
    SCSI_REQUEST_BLOCK legacy_copy = {0};
    ULONG size = srb->SrbLength;

    if (copy == NULL) {
        abort();
    }
    CU_ASSERT_FALSE(SrbCopySrb(copy, size - 1, srb));
    CU_ASSERT_EQUAL(copy->Function, 0);
    CU_ASSERT_TRUE(SrbCopySrb(copy, size, srb));
    CU_ASSERT_EQUAL(memcmp(copy, srb, size), 0);
    SrbZeroSrb(copy);
    CU_ASSERT_EQUAL(copy->Function, SRB_FUNCTION_STORAGE_REQUEST_BLOCK);
    CU_ASSERT_EQUAL(copy->SrbLength, size);
    CU_ASSERT_EQUAL(copy->SrbFunction | copy->NumSrbExData | copy->AddressOffset, 0);

    CU_ASSERT_FALSE(SrbCopySrb(&legacy_copy, sizeof(legacy_copy) - 1, legacy));
    CU_ASSERT_TRUE(SrbCopySrb(&legacy_copy, sizeof(legacy_copy), legacy));
    CU_ASSERT_EQUAL(legacy_copy.Lun, 3);
    SrbZeroSrb(&legacy_copy);
    CU_ASSERT_EQUAL(legacy_copy.Length, sizeof(legacy_copy));
    CU_ASSERT_EQUAL(legacy_copy.Lun, 0);
    free(legacy);
    free(copy);
    free(srb);
}

static void test_pnp_power_wmi(void)
{
    PSCSI_REQUEST_BLOCK legacy = make_legacy(SRB_FUNCTION_PNP);
    PSTORAGE_REQUEST_BLOCK extended;
    STOR_PNP_ACTION pnp = StorStartDevice;
    STOR_DEVICE_POWER_STATE state = StorPowerDeviceUnspecified;
    STOR_POWER_ACTION power = StorPowerActionNone;
    PVOID path = NULL;
    ULONG flags = 0;
    UCHAR byte = 0, sub = 0;

    ((PSCSI_PNP_REQUEST_BLOCK)legacy)->PnPAction = StorRemoveDevice;
    ((PSCSI_PNP_REQUEST_BLOCK)legacy)->SrbPnPFlags = SRB_PNP_FLAGS_ADAPTER_REQUEST;
    CU_ASSERT_TRUE(SrbGetPnPInfo(legacy, &flags, &pnp));
    CU_ASSERT_EQUAL(pnp, StorRemoveDevice);
    CU_ASSERT_EQUAL(flags, SRB_PNP_FLAGS_ADAPTER_REQUEST);
    CU_ASSERT_FALSE(SrbGetPowerInfo(legacy, &byte, &state, &power));
    CU_ASSERT_FALSE(SrbGetWmiData(legacy, &sub, &byte, &path));
    free(legacy);

    extended = make_extended(SRB_FUNCTION_PNP, SrbExDataTypePnP, 0x100);
    ((PSRBEX_DATA_PNP)(PVOID)SrbGetSrbExDataByIndex(extended, 0))->PnPAction =
        StorQueryCapabilities;
    CU_ASSERT_TRUE(SrbGetPnPInfo(extended, &flags, &pnp));
    CU_ASSERT_EQUAL(pnp, StorQueryCapabilities);
    CU_ASSERT_EQUAL(flags, 0);
    extended->SrbExDataOffset[0] = 0;
    CU_ASSERT_FALSE(SrbGetPnPInfo(extended, &flags, &pnp));
    free(extended);

    extended = make_extended(SRB_FUNCTION_POWER, SrbExDataTypePower, 0x100);
    ((PSRBEX_DATA_POWER)(PVOID)SrbGetSrbExDataByIndex(extended, 0))->DevicePowerState =
        StorPowerDeviceD3;
    ((PSRBEX_DATA_POWER)(PVOID)SrbGetSrbExDataByIndex(extended, 0))->PowerAction =
        StorPowerActionSleep;
    CU_ASSERT_TRUE(SrbGetPowerInfo(extended, &byte, &state, &power));
    CU_ASSERT_EQUAL(state, StorPowerDeviceD3);
    CU_ASSERT_EQUAL(power, StorPowerActionSleep);
    free(extended);

    extended = make_extended(SRB_FUNCTION_WMI, SrbExDataTypeWmi, 0x100);
    ((PSRBEX_DATA_WMI)(PVOID)SrbGetSrbExDataByIndex(extended, 0))->WMISubFunction = 8;
    ((PSRBEX_DATA_WMI)(PVOID)SrbGetSrbExDataByIndex(extended, 0))->DataPath = &things[5];
    CU_ASSERT_TRUE(SrbGetWmiData(extended, &sub, &byte, &path));
    CU_ASSERT_EQUAL(sub, 8);
    CU_ASSERT_PTR_EQUAL(path, &things[5]);
    free(extended);
}

CU_ErrorCode register_srbhelper_suite(void);
CU_ErrorCode register_srbhelper_suite(void)
{
    CU_TestInfo tests[] = {
        {"legacy SRB", test_legacy},
        {"extended SRB, CDB of 16 and 32 bytes", test_extended_fixed},
        {"extended SRB, variable CDB", test_extended_variable},
        {"offsets that point nowhere", test_bad_offsets},
        {"SRBs without a SCSI command", test_not_scsi},
        {"an address of an unknown type", test_unknown_address},
        {"copy and zero", test_copy_and_zero},
        {"PnP, power and WMI", test_pnp_power_wmi},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"abi: srbhelper.h on both forms of an SRB", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
