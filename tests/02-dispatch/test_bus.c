/*
 * The table of devices: every legal address and no other, references, and the two steps by which a
 * device leaves.
 */
#include "support/linked.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

/** A bus without a port driver above it: enough for addresses. */
static VMINI_ADAPTER *bus_of(unsigned buses, unsigned targets, unsigned luns)
{
    static VMINI_ADAPTER adapter;

    memset(&adapter, 0, sizeof(adapter));
    adapter.NumberOfBuses = (UCHAR)buses;
    adapter.MaximumTargets = (UCHAR)targets;
    adapter.MaximumLuns = (UCHAR)luns;
    CHILD_CHECK(VminiBusCreate(&adapter) == STATUS_SUCCESS);
    return &adapter;
}

struct shape {
    unsigned buses, targets, luns;
};
static const struct shape shapes[] = {
    {1, 1, 1}, {8, 128, 1}, {1, 1, 255}, {2, 3, 4}, {255, 1, 1}, {1, 255, 1},
};

/** The order in which free addresses are given out: a new target rather than a new LUN. */
static VMINI_ADDRESS nth_address(const struct shape *shape, unsigned n)
{
    VMINI_ADDRESS address = {0, 0, 0, 0};

    address.Target = (UCHAR)(n % shape->targets);
    address.Path = (UCHAR)(n / shape->targets % shape->buses);
    address.Lun = (UCHAR)(n / shape->targets / shape->buses);
    return address;
}

static bool same(VMINI_ADDRESS one, VMINI_ADDRESS two)
{
    return one.Path == two.Path && one.Target == two.Target && one.Lun == two.Lun;
}

static const VMINI_ADDRESS anywhere = {0xFF, 0xFF, 0xFF, 0};

static void a_bus_is_filled_and_emptied(void *argument)
{
    const struct shape *shape = argument;
    unsigned total = shape->buses * shape->targets * shape->luns;
    VMINI_ADDRESS address;
    VMINI_ADAPTER *adapter;

    linked_boot();
    verifier_load_census();
    adapter = bus_of(shape->buses, shape->targets, shape->luns);
    for (unsigned i = 0; i < total; i++) {
        address = anywhere;
        CHILD_CHECK(VminiBusReserveAddress(adapter, &address) == STATUS_SUCCESS);
        CHILD_CHECK(same(address, nth_address(shape, i)));
    }
    address = anywhere;
    CHILD_CHECK(VminiBusReserveAddress(adapter, &address) == STATUS_INSUFFICIENT_RESOURCES);
    address = nth_address(shape, total - 1);
    CHILD_CHECK(VminiBusReserveAddress(adapter, &address) == STATUS_DEVICE_BUSY);
    VminiBusReleaseAddress(adapter, nth_address(shape, total / 2));
    address = anywhere;
    CHILD_CHECK(VminiBusReserveAddress(adapter, &address) == STATUS_SUCCESS);
    CHILD_CHECK(same(address, nth_address(shape, total / 2)));
    for (unsigned i = 0; i < total; i++) {
        VminiBusReleaseAddress(adapter, nth_address(shape, i));
    }
    VminiBusDestroy(adapter);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_BUS, NULL) == 0 && nt_system_threads() == 0);
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void test_shapes(void)
{
    for (size_t i = 0; i < RTL_NUMBER_OF(shapes); i++) {
        CHILD_PASSES(a_bus_is_filled_and_emptied, (void *)(uintptr_t)&shapes[i]);
    }
}

/** One step beyond each edge, and far beyond: nobody there, nothing touched (the table lies in
 *  guarded pool). */
static void beyond_the_edges(void *argument)
{
    static const VMINI_ADDRESS outside[] = {
        {2, 0, 0, 0},   {0, 3, 0, 0}, {0, 0, 4, 0},     {255, 0, 0, 0},   {0, 255, 0, 0},
        {0, 0, 255, 0}, {2, 3, 4, 0}, {1, 255, 255, 0}, {255, 255, 0, 0}, {254, 254, 254, 0}};
    VMINI_ADAPTER *adapter;
    UCHAR luns[4];

    (void)argument;
    linked_boot();
    verifier_load_census();
    adapter = bus_of(2, 3, 4);
    for (unsigned i = 0; i < RTL_NUMBER_OF(outside); i++) {
        VMINI_ADDRESS address = outside[i];

        CHILD_CHECK(VminiBusReserveAddress(adapter, &address) == STATUS_INVALID_PARAMETER);
        CHILD_CHECK(VminiBusFind(adapter, outside[i]) == NULL);
        VminiBusReportMissing(adapter, outside[i]);
        if (outside[i].Path >= 2 || outside[i].Target >= 3) {
            CHILD_CHECK(!VminiBusTargetExists(adapter, outside[i].Path, outside[i].Target));
            CHILD_CHECK(VminiBusListLuns(adapter, outside[i].Path, outside[i].Target, luns, 4) ==
                        0);
        }
    }
    CHILD_CHECK(VminiBusFind(adapter, (VMINI_ADDRESS){1, 2, 3, 0}) == NULL); /* Legal, and empty. */
    CHILD_CHECK(!VminiBusTargetExists(adapter, 1, 2) && VminiBusCount(adapter) == 0);
    VminiBusDestroy(adapter);
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void creation_fails_clean(void *argument)
{
    VMINI_ADAPTER adapter = {.NumberOfBuses = 1, .MaximumTargets = 1, .MaximumLuns = 1};
    VMINI_ADDRESS address = anywhere;

    (void)argument;
    linked_boot();
    verifier_load_census();
    nt_pool_fail(1, false);
    CHILD_CHECK(VminiBusCreate(&adapter) == STATUS_INSUFFICIENT_RESOURCES && adapter.Bus == NULL);
    nt_pool_fail(0, false);
    nt_thread_fail(1);
    CHILD_CHECK(VminiBusCreate(&adapter) == STATUS_INSUFFICIENT_RESOURCES && adapter.Bus == NULL);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_BUS, NULL) == 0);
    CHILD_CHECK(VminiBusCreate(&adapter) == STATUS_SUCCESS);
    nt_pool_fail(1, false);
    CHILD_CHECK(VminiBusReserveAddress(&adapter, &address) == STATUS_INSUFFICIENT_RESOURCES);
    nt_pool_fail(0, false);
    CHILD_CHECK(VminiBusReserveAddress(&adapter, &address) == STATUS_SUCCESS);
    VminiBusReleaseAddress(&adapter, address);
    VminiBusDestroy(&adapter);
    CHILD_CHECK(host_halt(stderr) == 0);
}

/* --- with devices --- */

static void connect_at(const char *name, UCHAR path, UCHAR target, UCHAR lun)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;

    linked_connect_in(&in, linked_image(name, 512 * 8), 0);
    in.Address = (VMINI_ADDRESS){path, target, lun, 0};
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_SUCCESS);
    CHILD_CHECK(same(out.Address, in.Address));
}

static void up_with(unsigned buses, unsigned targets, unsigned luns)
{
    linked_boot();
    host_set_parameter(LINKED_SERVICE, "NumberOfBuses", buses);
    host_set_parameter(LINKED_SERVICE, "MaximumTargets", targets);
    host_set_parameter(LINKED_SERVICE, "MaximumLuns", luns);
    linked_start();
}

static void the_corners_of_a_wide_bus(void *argument)
{
    struct host_unit units[4];

    (void)argument;
    up_with(8, 128, 1);
    connect_at("a.img", 0, 0, 0);
    connect_at("b.img", 7, 127, 0);
    connect_at("c.img", 0, 127, 0);
    connect_at("d.img", 7, 0, 0);
    host_settle();
    CHILD_CHECK(host_units(units, 4) == 4 && VminiBusCount(linked_adapter()) == 4);
    for (unsigned i = 0; i < 4; i++) {
        CHILD_CHECK(units[i].block_count == 8 && units[i].lun == 0);
        CHILD_CHECK((units[i].path == 0 || units[i].path == 7) &&
                    (units[i].target == 0 || units[i].target == 127));
    }
    linked_down();
}

static void the_luns_of_a_target(void *argument)
{
    UCHAR luns[8];

    (void)argument;
    up_with(1, 1, 255);
    connect_at("a.img", 0, 0, 254);
    connect_at("b.img", 0, 0, 5);
    connect_at("c.img", 0, 0, 100);
    host_settle();
    memset(luns, 0xEE, sizeof(luns));
    CHILD_CHECK(VminiBusListLuns(linked_adapter(), 0, 0, luns, 8) == 3);
    CHILD_CHECK(luns[0] == 5 && luns[1] == 100 && luns[2] == 254 && luns[3] == 0xEE);
    memset(luns, 0xEE, sizeof(luns));
    CHILD_CHECK(VminiBusListLuns(linked_adapter(), 0, 0, luns, 2) == 3 && luns[1] == 100 &&
                luns[2] == 0xEE);
    CHILD_CHECK(VminiBusListLuns(linked_adapter(), 0, 0, luns, 0) == 3);
    CHILD_CHECK(VminiBusTargetExists(linked_adapter(), 0, 0));
    CHILD_CHECK(host_units(NULL, 0) == 3); /* Found by REPORT LUNS to a LUN 0 that is not there. */
    CHILD_CHECK(linked_disconnect(linked_image("c.img", 512 * 8)) == STATUS_SUCCESS);
    CHILD_CHECK(VminiBusListLuns(linked_adapter(), 0, 0, luns, 8) == 2 && luns[0] == 5 &&
                luns[1] == 254);
    linked_down();
}

/** Missing -> no longer found -> closed when nobody refers to it -> freed, with its address, once
 *  it is reported. */
static void a_device_leaves_in_two_steps(void *argument)
{
    VMINI_ADDRESS address = {0, 0, 0, 0};
    VMINI_DISCONNECT_IN in;
    struct host_ioctl ioctl;
    PVMINI_DEVICE device;

    (void)argument;
    linked_up();
    connect_at("a.img", 0, 0, 0);
    host_settle();
    device = VminiBusFind(linked_adapter(), address);
    CHILD_CHECK(device != NULL && device->Enumerated && !device->Missing);
    linked_disconnect_in(&in, linked_image("a.img", 512 * 8), NULL);
    linked_begin(&ioctl, &in, sizeof(in), NULL, 0);
    host_settle();
    linked_settle();
    CHILD_CHECK(device->Missing && device->ReportedMissing &&
                !device->Closed); /* We hold it: the file stays open. */
    CHILD_CHECK(VminiBusFind(linked_adapter(), address) == NULL &&
                VminiBusCount(linked_adapter()) == 0);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 1);
    CHILD_CHECK(VminiBusReserveAddress(linked_adapter(), &address) == STATUS_DEVICE_BUSY);
    VminiBusDereference(linked_adapter(), device);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_SUCCESS);
    linked_settle();
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 0);
    CHILD_CHECK(VminiBusReserveAddress(linked_adapter(), &address) == STATUS_SUCCESS);
    VminiBusReleaseAddress(linked_adapter(), address);
    linked_down();
}

LINKED_CASE(beyond_the_edges)
LINKED_CASE(creation_fails_clean)
LINKED_CASE(the_corners_of_a_wide_bus)
LINKED_CASE(the_luns_of_a_target)
LINKED_CASE(a_device_leaves_in_two_steps)

CU_ErrorCode register_bus_suite(void);
CU_ErrorCode register_bus_suite(void)
{
    CU_pSuite suite = CU_add_suite("02 bus", linked_folder_create, linked_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "each shape of bus is filled, in order, and emptied", test_shapes) ==
            NULL ||
        CU_add_test(suite, "beyond the edges", test_beyond_the_edges) == NULL ||
        CU_add_test(suite, "creation that fails leaves nothing", test_creation_fails_clean) ==
            NULL ||
        CU_add_test(suite, "8 x 128 x 1: the corners", test_the_corners_of_a_wide_bus) == NULL ||
        CU_add_test(suite, "1 x 1 x 255: the LUNs of a target", test_the_luns_of_a_target) ==
            NULL ||
        CU_add_test(suite, "a device leaves in two steps", test_a_device_leaves_in_two_steps) ==
            NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
