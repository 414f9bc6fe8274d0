/*
 * The life of a connection: CONNECT until Storport has seen the device, DISCONNECT until the file
 * is closed, and
 * everything that may come between: duplicates, time-outs, cancels at any point, missing
 * resources, a volume that goes.
 */
#include "support/linked.h"

#include "install.h"
#include "support/schedules.h"
#include "nt/fiber.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISK_BYTES (64u * 512)
#define DEVICES    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini\\Parameters\\Devices"

static const char *disk(void)
{
    return linked_image("disk.img", DISK_BYTES);
}

static unsigned devices(void)
{
    VMINI_COMMAND in;
    VMINI_SCSIPORT_OUT out;
    ULONG returned;

    linked_header(&in, VminiCommandScsiport, sizeof(in));
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), &returned) == STATUS_SUCCESS);
    CHILD_CHECK(returned == sizeof(out) && out.Signature == VMINI_COMMAND_SIGNATURE);
    return out.ActiveDevices;
}

/* --- the way in and out --- */

static void connect_answers_when_storport_has_seen_it(void *argument)
{
    VMINI_CONNECT_OUT out;
    struct host_unit unit;

    (void)argument;
    linked_up();
    CHILD_CHECK(devices() == 0 && host_units(NULL, 0) == 0);
    CHILD_CHECK(linked_connect(disk(), 0, &out) == STATUS_SUCCESS);
    CHILD_CHECK(out.Address.Path == 0 && out.Address.Target == 0 && out.Address.Lun == 0 &&
                out.Address.Reserved == 0);
    CHILD_CHECK(out.BlockSize == 512 && out.BlockCount == 64);
    CHILD_CHECK(devices() == 1);
    host_settle();
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.block_count == 64 && unit.path == 0 &&
                unit.target == 0);
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().opens ==
                host_file_counts().closes); /* Closed when DISCONNECT answers. */
    CHILD_CHECK(devices() == 0);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == 0);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 0);
    linked_down();
}

static void disconnect_by_address(void *argument)
{
    VMINI_DISCONNECT_IN in;
    VMINI_CONNECT_OUT out;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(disk(), 0, &out) == STATUS_SUCCESS);
    out.Address.Lun++;
    linked_disconnect_in(&in, NULL, &out.Address);
    CHILD_CHECK(linked_call(&in, sizeof(in), NULL, 0, NULL) == STATUS_NO_SUCH_DEVICE);
    out.Address.Lun--;
    linked_disconnect_in(&in, NULL, &out.Address);
    CHILD_CHECK(linked_call(&in, sizeof(in), NULL, 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(linked_call(&in, sizeof(in), NULL, 0, NULL) == STATUS_NO_SUCH_DEVICE);
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_NO_SUCH_DEVICE);
    linked_down();
}

static void a_file_is_connected_once(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(disk(), VMINI_CONNECT_READ_ONLY, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(linked_connect(disk(), VMINI_CONNECT_READ_ONLY, NULL) ==
                STATUS_OBJECT_NAME_COLLISION);
    linked_connect_in(&in, disk(), VMINI_CONNECT_READ_ONLY);
    for (WCHAR *at = in.PathName; *at != 0; at++) {
        *at = RtlUpcaseUnicodeChar(*at); /* Another spelling of the same name. */
    }
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) ==
                STATUS_OBJECT_NAME_COLLISION);
    CHILD_CHECK(devices() == 1);
    linked_down(); /* With the disk still connected. */
}

static void an_address_may_be_wanted(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;

    (void)argument;
    linked_boot();
    linked_start();
    linked_connect_in(&in, disk(), 0);
    in.Address =
        (VMINI_ADDRESS){0, 15, 7, 0xFF}; /* The last one. What is reserved is not looked at. */
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_SUCCESS);
    CHILD_CHECK(out.Address.Path == 0 && out.Address.Target == 15 && out.Address.Lun == 7 &&
                out.Address.Reserved == 0);
    linked_connect_in(&in, linked_image("other.img", 512), 0);
    in.Address = out.Address;
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_DEVICE_BUSY);
    in.Address = (VMINI_ADDRESS){1, 0, 0, 0};
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_INVALID_PARAMETER);
    in.Address = (VMINI_ADDRESS){0, 16, 0, 0};
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_INVALID_PARAMETER);
    in.Address = (VMINI_ADDRESS){0, 0, 8, 0};
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(devices() == 1);
    linked_down();
}

static void what_connect_refuses(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    uint64_t handles;
    size_t blocks;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect("/nowhere.img", 0, &out) ==
                STATUS_OBJECT_NAME_NOT_FOUND); /* Leaves its target there. */
    linked_settle();                           /* Who answered still has to put things away. */
    blocks = nt_pool_outstanding(0, NULL);
    handles = nt_handle_count();
    CHILD_CHECK(linked_connect(linked_image("empty.img", 0), 0, &out) == STATUS_FILE_INVALID);
    CHILD_CHECK(linked_connect(linked_image("short.img", 511), 0, &out) == STATUS_FILE_INVALID);
    CHILD_CHECK(linked_connect(linked_image("short.iso", 2047), VMINI_CONNECT_CDROM, &out) ==
                STATUS_FILE_INVALID);
    linked_connect_in(&in, disk(), 0x10);
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_INVALID_PARAMETER);
    linked_connect_in(&in, "/nowhere/at/all.img", 0);
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) ==
                STATUS_OBJECT_PATH_NOT_FOUND);
    host_set_user(HOST_USER_STANDARD, 65534);
    CHILD_CHECK(linked_connect(disk(), 0, &out) == STATUS_PRIVILEGE_NOT_HELD);
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_PRIVILEGE_NOT_HELD);
    CHILD_CHECK(devices() == 0); /* He may ask, though. */
    host_set_user(HOST_USER_ADMINISTRATOR, 0);
    linked_settle();
    CHILD_CHECK(nt_pool_outstanding(0, NULL) == blocks && nt_handle_count() == handles);
    CHILD_CHECK(linked_connect(disk(), 0, &out) ==
                STATUS_SUCCESS); /* Nothing is in the way afterwards. */
    linked_down();
}

/* --- the delete thread --- */

/** Storport does not ask (its scan is not run: nobody settles): CONNECT gives up after ten
 * seconds, and takes the
 *  device away again. Here the adapter is told not to answer any INQUIRY while the clock runs. */
static void connect_gives_up_after_ten_seconds(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl ioctl;
    uint64_t start;

    (void)argument;
    linked_up();
    linked_adapter()->Stopped = 1; /* Every CDB ends with NOT_POWERED: no INQUIRY finds anybody. */
    linked_connect_in(&in, disk(), 0);
    start = sched_time();
    linked_begin(&ioctl, &in, sizeof(in), &out, sizeof(out));
    linked_pass(9);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 1);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_IO_TIMEOUT && ioctl.returned == 0);
    CHILD_CHECK(sched_time() - start >= 100000000u && sched_time() - start < 101000000u);
    linked_settle();
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 0); /* Closed at once... */
    linked_adapter()->Stopped = 0;
    linked_pass(30);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_BUS, NULL) ==
                2); /* ...and freed: the bus and one target are left. */
    CHILD_CHECK(linked_connect(disk(), 0, &out) == STATUS_SUCCESS);
    linked_down();
}

/** Is an address free? */
static bool free_again(VMINI_ADDRESS address)
{
    NTSTATUS status = VminiBusReserveAddress(linked_adapter(), &address);

    CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_DEVICE_BUSY);
    if (status == STATUS_SUCCESS) {
        VminiBusReleaseAddress(linked_adapter(), address);
    }
    return status == STATUS_SUCCESS;
}

/** CONNECT at an address, and Storport has seen it. */
static void connected_at(VMINI_ADDRESS address)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;

    linked_connect_in(&in, disk(), 0);
    in.Address = address;
    CHILD_CHECK(linked_call(&in, sizeof(in), &out, sizeof(out), NULL) == STATUS_SUCCESS);
    host_settle();
}

/** No scan gets an answer for 25 seconds: the address is not given away by time. The bus change is
 *  told again after 10 and after 20 seconds more, and the scan that follows frees it. */
static void the_inquiry_that_never_comes(void *argument)
{
    VMINI_ADDRESS address = {0, 3, 0, 0};
    uint64_t start;

    (void)argument;
    linked_up();
    connected_at(address);
    linked_adapter()->Stopped = 1;
    start = sched_time();
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS);
    sched_settle(start + 250000000u);
    CHILD_CHECK(!free_again(address));
    linked_adapter()->Stopped = 0;
    sched_settle(start + 295000000u);
    CHILD_CHECK(!free_again(address));
    sched_settle(start + 310000000u);
    CHILD_CHECK(free_again(address));
    linked_down();
}

/** Storport lost sight of the unit in the middle of a scan, and will not ask it any more: the list of
 *  the second scan that was asked for tells. */
static void a_unit_that_no_scan_asks(void *argument)
{
    VMINI_ADDRESS address = {0, 3, 5, 0};
    uint64_t start;

    (void)argument;
    linked_up();
    connected_at(address);
    linked_adapter()->Stopped = 1;
    start = sched_time();
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == 0);
    linked_adapter()->Stopped = 0;
    sched_settle(start + 295000000u); /* One scan, after ten seconds: LUN 5 is not asked. */
    CHILD_CHECK(!free_again(address));
    sched_settle(start + 310000000u);
    CHILD_CHECK(free_again(address));
    linked_down();
}

/** Marks the device as VminiBusDepart does, but nobody is told: no scan comes. */
static void missing_without_a_scan(PVMINI_DEVICE device)
{
    KIRQL irql;

    KeAcquireSpinLock(&linked_adapter()->Bus->Lock, &irql);
    VminiBusMarkMissing(linked_adapter(), device);
    KeReleaseSpinLock(&linked_adapter()->Bus->Lock, irql);
}

/** A disk that the registry names has no deadline: Storport is told again until it asks. */
static void a_static_disk_waits(void *argument)
{
    struct host_file_fault slow = {
        .op = HOST_FILE_OPEN, .nth = 1, .short_to = UINT32_MAX, .hang = true};
    WCHAR path[VMINI_PATH_LENGTH];
    struct host_error error;
    size_t chars = 0;
    uint64_t start;

    (void)argument;
    linked_boot();
    CHILD_CHECK(host_win32_path(disk(), path, VMINI_PATH_LENGTH, &error));
    while (path[chars] != 0) {
        chars++;
    }
    CHILD_CHECK(host_registry_write(DEVICES "\\a", "Path", HOST_REG_SZ, path, (chars + 1) * 2));
    host_file_fault_add(&slow);
    linked_start();
    linked_adapter()->Stopped = 1; /* No scan gets an answer. */
    start = sched_time();
    host_file_release();
    sched_settle(start + 250000000u);
    CHILD_CHECK(VminiBusCount(linked_adapter()) == 1 && host_units(NULL, 0) == 0);
    linked_adapter()->Stopped = 0;
    sched_settle(start + 310000000u);
    CHILD_CHECK(VminiBusCount(linked_adapter()) == 1 && host_units(NULL, 0) == 1);
    linked_down();
}

/** Only a scan's two questions, in their order, report a device missing; other commands, and an
 *  INQUIRY that some program sends, are told "no device" and change nothing. */
static void only_a_scan_reports_it_missing(void *argument)
{
    VMINI_ADDRESS address = {0, 0, 0, 0};
    struct host_request *request;
    PVMINI_DEVICE device;

    (void)argument;
    linked_up();
    connected_at(address);
    device = VminiBusFind(linked_adapter(), address);
    CHILD_CHECK(device != NULL);
    missing_without_a_scan(device);
    request = host_request_create();
    request->cdb_length = 6; /* TEST UNIT READY */
    CHILD_CHECK(host_execute(request) == SRB_STATUS_NO_DEVICE);
    request->cdb[0] = SCSIOP_INQUIRY;
    CHILD_CHECK(host_execute(request) == SRB_STATUS_NO_DEVICE && !device->ReportedMissing);
    request->cdb_length = 12;
    request->cdb[0] = SCSIOP_REPORT_LUNS;
    for (unsigned i = 0; i < 2; i++) {
        CHILD_CHECK(host_execute(request) == SRB_STATUS_NO_DEVICE && device->Unlisted);
        CHILD_CHECK(!device->ReportedMissing);
    }
    request->cdb_length = 6;
    request->cdb[0] = SCSIOP_INQUIRY;
    request->cdb[1] = 1; /* A page of vital product data. */
    CHILD_CHECK(host_execute(request) == SRB_STATUS_NO_DEVICE && !device->ReportedMissing);
    request->cdb[1] = 0;
    CHILD_CHECK(host_execute(request) == SRB_STATUS_NO_DEVICE && device->ReportedMissing);
    host_request_free(request);
    VminiBusDereference(linked_adapter(), device);
    linked_down();
}

/** A program that asks and asks. */
static void inquiring(void *argument)
{
    const atomic_bool *done = argument;
    struct host_request *request = host_request_create();

    request->cdb_length = 6;
    request->cdb[0] = SCSIOP_INQUIRY;
    while (!atomic_load(done)) {
        host_execute(request);
        sched_point();
    }
    host_request_free(request);
}

/** Another disk comes to the address of one that has left, as soon as it may, while a program sends
 *  INQUIRYs there: never before Storport's own scan has gone by. */
static void an_address_changes_hands(void *argument)
{
    VMINI_ADDRESS address = {0, 0, 0, 0};
    atomic_bool done = false;
    struct nt_thread *thread;
    struct host_unit unit;
    PVMINI_DEVICE device;

    (void)argument;
    linked_up_small();
    connected_at(address);
    device = VminiBusFind(linked_adapter(), address);
    missing_without_a_scan(device);
    VminiBusDereference(linked_adapter(), device);
    thread = sched_spawn("inquirer", inquiring, &done);
    for (unsigned i = 0; i < 200; i++) {
        CHILD_CHECK(!free_again(address)); /* Storport still takes it for the old disk. */
        sched_point();
    }
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.block_count == 64);
    host_scan();
    while (!free_again(address)) {
        sched_point();
    }
    CHILD_CHECK(host_units(&unit, 1) == 0);
    atomic_store(&done, true);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    CHILD_CHECK(linked_connect(linked_image("other.img", 512 * 8), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.block_count == 8);
    linked_down();
}

static void test_address_changes_hands(void)
{
    linked_sweep(an_address_changes_hands, NULL, 20);
}

/* --- twice, and cancelled --- */

/** Two DISCONNECTs at once: one closes, the other is told that it is being done. Neither waits for
 *  ever. */
static void two_disconnects_at_once(void *argument)
{
    VMINI_DISCONNECT_IN in;
    struct host_ioctl one, two;
    NTSTATUS first, second;

    (void)argument;
    linked_up_small();
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    linked_disconnect_in(&in, disk(), NULL);
    linked_begin(&one, &in, sizeof(in), NULL, 0);
    linked_begin(&two, &in, sizeof(in), NULL, 0);
    second = host_ioctl_wait(&two);
    first = host_ioctl_wait(&one);
    CHILD_CHECK(first == STATUS_SUCCESS);
    CHILD_CHECK(second == STATUS_DELETE_PENDING || second == STATUS_NO_SUCH_DEVICE);
    CHILD_CHECK(devices() == 0);
    linked_down();
}

static void test_two_disconnects(void)
{
    CHILD_PASSES(two_disconnects_at_once, NULL);
    linked_sweep(two_disconnects_at_once, NULL, 20);
}

static void cancelling(void *argument)
{
    host_ioctl_cancel(argument);
}

/** Whatever the moment of the cancel: the IRP ends once, and either the disk is there or it is
 *  not. */
static void connect_is_cancelled(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl ioctl;
    struct nt_thread *thread;
    NTSTATUS status;

    (void)argument;
    linked_up_small();
    linked_connect_in(&in, disk(), 0);
    linked_begin(&ioctl, &in, sizeof(in), &out, sizeof(out));
    thread = sched_spawn("canceller", cancelling, &ioctl);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    status = host_ioctl_wait(&ioctl);
    CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
    host_settle();
    linked_settle();
    CHILD_CHECK(devices() == (status == STATUS_SUCCESS));
    linked_pass(20);
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == (status == STATUS_SUCCESS));
    CHILD_CHECK(linked_connect(disk(), 0, NULL) ==
                (status == STATUS_SUCCESS ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS));
    linked_down();
}

static void test_cancelled_connect(void)
{
    linked_sweep(connect_is_cancelled, NULL, 30);
}

static void disconnect_is_cancelled(void *argument)
{
    VMINI_DISCONNECT_IN in;
    struct host_ioctl ioctl;
    struct nt_thread *thread;
    NTSTATUS status;

    (void)argument;
    linked_up_small();
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    linked_disconnect_in(&in, disk(), NULL);
    linked_begin(&ioctl, &in, sizeof(in), NULL, 0);
    thread = sched_spawn("canceller", cancelling, &ioctl);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    status = host_ioctl_wait(&ioctl);
    CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED);
    host_settle();
    linked_settle();
    CHILD_CHECK(devices() == 0); /* It goes on without an audience. */
    CHILD_CHECK(nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 0);
    linked_down();
}

static void test_cancelled_disconnect(void)
{
    linked_sweep(disconnect_is_cancelled, NULL, 20);
}

/** DISCONNECT comes while CONNECT is under way: refused, or done; never lost. */
static void disconnect_races_with_connect(void *argument)
{
    VMINI_DISCONNECT_IN out_in;
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl connect, disconnect;
    NTSTATUS in_status, out_status = STATUS_NO_SUCH_DEVICE;

    (void)argument;
    linked_up_small();
    linked_connect_in(&in, disk(), 0);
    linked_disconnect_in(&out_in, disk(), NULL);
    linked_begin(&connect, &in, sizeof(in), &out, sizeof(out));
    for (unsigned tries = 0; tries < 40; tries++) {
        linked_begin(&disconnect, &out_in, sizeof(out_in), NULL, 0);
        out_status = host_ioctl_wait(
            &disconnect); /* Lost: then this waits for ever, and the scheduler says so. */
        if (out_status != STATUS_NO_SUCH_DEVICE) {
            break; /* Before that the connection has not arrived yet. */
        }
    }
    in_status = host_ioctl_wait(&connect);
    CHILD_CHECK(in_status == STATUS_SUCCESS || in_status == STATUS_DEVICE_REMOVED);
    if (out_status != STATUS_SUCCESS) {
        CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS);
    }
    CHILD_CHECK(devices() == 0 && nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) == 0);
    linked_down();
}

static void test_disconnect_races(void)
{
    linked_sweep(disconnect_races_with_connect, NULL, 40);
}

FIBER_NO_TSAN static PVMINI_CONNECTION only_connection(void)
{
    PVMINI_SERVICE service = linked_adapter()->Service;

    return IsListEmpty(&service->Connections)
               ? NULL
               : CONTAINING_RECORD(service->Connections.Flink, VMINI_CONNECTION, Link);
}

/* How far the connection is, from outside, without a lock: as a debugger would look. */
FIBER_NO_TSAN static bool arrived(void)
{
    return only_connection() != NULL && only_connection()->Arrived;
}

FIBER_NO_TSAN static bool disconnecting(void)
{
    return only_connection()->Disconnecting;
}

static void disconnect_as_soon_as_arrived(void *argument)
{
    VMINI_DISCONNECT_IN in;

    linked_disconnect_in(&in, disk(), NULL);
    while (!arrived()) {
        sched_point();
    }
    *(NTSTATUS *)argument = linked_call(&in, sizeof(in), NULL, 0, NULL);
}

/**
 * The narrowest place: the connection says that it has arrived, and its device is not in the table
 * yet. We hold the bus
 * lock until a DISCONNECT has come as far as that; whoever gets the lock then, DISCONNECT must not
 * be lost.
 */
static void disconnect_before_the_device_is_there(void *argument)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .processors = 3},
                                   .verifier = true};
    NTSTATUS disconnected = STATUS_PENDING;
    struct nt_thread *thread;
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl ioctl;
    KIRQL irql;

    (void)argument;
    linked_boot_with(&options);
    host_set_parameter(LINKED_SERVICE, "MaximumTargets", 2);
    host_set_parameter(LINKED_SERVICE, "MaximumLuns", 1);
    linked_start();
    linked_connect_in(&in, disk(), 0);
    linked_begin(&ioctl, &in, sizeof(in), &out, sizeof(out));
    if (only_connection() == NULL || arrived()) {
        _exit(0); /* This schedule was faster: nothing to be seen. */
    }
    thread = sched_spawn("disconnect", disconnect_as_soon_as_arrived, &disconnected);
    KeAcquireSpinLock(&linked_adapter()->Bus->Lock, &irql);
    for (unsigned i = 0; i < 2000 && !disconnecting(); i++) {
        sched_point();
    }
    for (unsigned i = 0; i < 60; i++) {
        sched_point();
    }
    KeReleaseSpinLock(&linked_adapter()->Bus->Lock, irql);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    CHILD_CHECK(disconnected == STATUS_SUCCESS);
    host_ioctl_wait(&ioctl);
    CHILD_CHECK(devices() == 0);
    linked_down();
}

static void test_narrow_disconnect(void)
{
    schedules_sweep(disconnect_before_the_device_is_there, NULL, SCHED_RANDOM, 40);
}

/** The INQUIRY comes just when the patience has ended: CONNECT does not say yes to a device on its
 *  way out. */
static void an_inquiry_that_comes_too_late(void *argument)
{
    VMINI_ADDRESS address = {0, 0, 0, 0};
    PVMINI_DEVICE device;
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl ioctl;

    (void)argument;
    linked_up();
    linked_adapter()->Stopped = 1; /* No INQUIRY gets through by itself. */
    linked_connect_in(&in, disk(), 0);
    linked_begin(&ioctl, &in, sizeof(in), &out, sizeof(out));
    linked_settle();
    device = VminiBusFind(linked_adapter(), address);
    CHILD_CHECK(device != NULL && VminiBusDepart(linked_adapter(), device));
    CHILD_CHECK(!VminiBusDepart(linked_adapter(), device)); /* Only once. */
    VminiServiceEnumerated(linked_adapter(), device);
    VminiBusDereference(linked_adapter(), device);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_DEVICE_REMOVED);
    linked_adapter()->Stopped = 0;
    linked_down();
}

/** The adapter is removed in the middle of it. */
static void removal_races_with_connect(void *argument)
{
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    struct host_ioctl ioctl;
    struct nt_thread *thread;
    struct host_error error;
    NTSTATUS status;

    (void)argument;
    linked_up_small();
    linked_connect_in(&in, disk(), 0);
    linked_begin(&ioctl, &in, sizeof(in), &out, sizeof(out));
    thread = sched_spawn("canceller", cancelling, &ioctl);
    CHILD_CHECK(host_remove(&error));
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    status = host_ioctl_wait(&ioctl);
    CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_CANCELLED ||
                status == STATUS_DEVICE_REMOVED || status == STATUS_DELETE_PENDING);
    CHILD_CHECK(nt_pool_outstanding(0, NULL) == 0 &&
                host_file_counts().opens == host_file_counts().closes);
    linked_down();
}

static void test_removal_races(void)
{
    linked_sweep(removal_races_with_connect, NULL, 30);
}

/* --- low resources --- */

/** Each allocation on the way of a CONNECT, refused: it says so, and nothing is left. */
static void every_allocation_may_fail(void *argument)
{
    unsigned failures = 0;
    unsigned nth;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(disk(), 0, NULL) ==
                STATUS_SUCCESS); /* What stays (targets) is there now. */
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS);
    host_settle();
    linked_pass(20);
    for (nth = 1; nth <= 12; nth++) {
        size_t before = nt_pool_outstanding(0, NULL);
        NTSTATUS status;

        nt_pool_fail(nth, false);
        status = linked_connect(disk(), 0, NULL);
        nt_pool_fail(0, false);
        CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_INSUFFICIENT_RESOURCES);
        failures += status != STATUS_SUCCESS;
        if (status == STATUS_SUCCESS) {
            CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS);
        }
        host_settle();
        linked_pass(20);
        CHILD_CHECK(nt_pool_outstanding(0, NULL) == before);
        CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    }
    CHILD_CHECK(failures == 4); /* Connection, spare target, media, device. */
    linked_down();
}

static void the_flush_before_the_close_may_fail(void *argument)
{
    struct host_file_fault rule = {HOST_FILE_FLUSH, 1, true, EIO, UINT32_MAX, false};

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    host_file_fault_add(&rule);
    CHILD_CHECK(linked_disconnect(disk()) ==
                nt_status_of_errno(EIO)); /* The last chance to hear of lost data. */
    host_file_faults_clear();
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes && devices() == 0);
    linked_down();
}

/* --- the volume below --- */

static void the_volume_asks_to_go(void *argument)
{
    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    CHILD_CHECK(nt_notification_count() == 1);
    CHILD_CHECK(host_volume_query_remove(disk())); /* Yes, and by then the file is closed. */
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes &&
                host_file_counts().flushes != 0);
    host_settle();
    linked_settle();
    CHILD_CHECK(devices() == 0 && nt_notification_count() == 0 && host_units(NULL, 0) == 0);
    host_volume_remove_cancelled(disk());
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    linked_down();
}

static void the_volume_is_gone_without_asking(void *argument)
{
    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    host_volume_remove_complete(disk());
    host_settle();
    linked_settle();
    CHILD_CHECK(devices() == 0 && nt_notification_count() == 0);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    linked_down();
}

/** Plug and Play knows no device below the file system: nobody watches, and the disk is connected. */
static void a_volume_without_a_device(void *argument)
{
    (void)argument;
    linked_up();
    nt_notification_refuse(true);
    CHILD_CHECK(linked_connect(disk(), 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(nt_notification_count() == 0 && devices() == 1);
    CHILD_CHECK(linked_disconnect(disk()) == STATUS_SUCCESS && devices() == 0);
    linked_down();
}

static void asking(void *argument)
{
    (void)argument;
    host_volume_query_remove(disk());
}

/** The question may come at any moment of a CONNECT. */
static void the_volume_asks_while_connecting(void *argument)
{
    struct nt_thread *thread;
    NTSTATUS status;

    (void)argument;
    linked_up_small();
    thread = sched_spawn("volume", asking, NULL);
    status = linked_connect(disk(), 0, NULL);
    CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_DEVICE_REMOVED);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    host_settle();
    linked_settle();
    CHILD_CHECK(devices() == nt_pool_outstanding(VMINI_TAG_MEDIA, NULL) &&
                devices() == nt_notification_count());
    linked_down();
}

static void test_volume_races(void)
{
    linked_sweep(the_volume_asks_while_connecting, NULL, 30);
}

LINKED_CASE(connect_answers_when_storport_has_seen_it)
LINKED_CASE(disconnect_by_address)
LINKED_CASE(a_file_is_connected_once)
LINKED_CASE(an_address_may_be_wanted)
LINKED_CASE(what_connect_refuses)
LINKED_CASE(connect_gives_up_after_ten_seconds)
LINKED_CASE(the_inquiry_that_never_comes)
LINKED_CASE(an_inquiry_that_comes_too_late)
LINKED_CASE(a_unit_that_no_scan_asks)
LINKED_CASE(a_static_disk_waits)
LINKED_CASE(only_a_scan_reports_it_missing)
LINKED_CASE(every_allocation_may_fail)
LINKED_CASE(the_flush_before_the_close_may_fail)
LINKED_CASE(the_volume_asks_to_go)
LINKED_CASE(the_volume_is_gone_without_asking)
LINKED_CASE(a_volume_without_a_device)

CU_ErrorCode register_life_suite(void);
CU_ErrorCode register_life_suite(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"CONNECT answers when Storport has seen the device",
         test_connect_answers_when_storport_has_seen_it},
        {"DISCONNECT by address", test_disconnect_by_address},
        {"a file is connected once", test_a_file_is_connected_once},
        {"an address may be wanted", test_an_address_may_be_wanted},
        {"what CONNECT refuses", test_what_connect_refuses},
        {"CONNECT gives up after ten seconds", test_connect_gives_up_after_ten_seconds},
        {"the INQUIRY that never comes", test_the_inquiry_that_never_comes},
        {"the INQUIRY that comes too late", test_an_inquiry_that_comes_too_late},
        {"a unit that no scan asks any more", test_a_unit_that_no_scan_asks},
        {"a disk that the registry names waits for Storport", test_a_static_disk_waits},
        {"only a scan reports a device missing", test_only_a_scan_reports_it_missing},
        {"an address changes hands, by seeds", test_address_changes_hands},
        {"two DISCONNECTs at once, by seeds", test_two_disconnects},
        {"CONNECT cancelled at any moment, by seeds", test_cancelled_connect},
        {"DISCONNECT cancelled at any moment, by seeds", test_cancelled_disconnect},
        {"DISCONNECT during CONNECT, by seeds", test_disconnect_races},
        {"DISCONNECT in the narrowest place, by seeds", test_narrow_disconnect},
        {"removal during CONNECT, by seeds", test_removal_races},
        {"every allocation of a CONNECT may fail", test_every_allocation_may_fail},
        {"the flush before the close may fail", test_the_flush_before_the_close_may_fail},
        {"the volume asks to go", test_the_volume_asks_to_go},
        {"the volume is gone without asking", test_the_volume_is_gone_without_asking},
        {"a volume without a device of Plug and Play's", test_a_volume_without_a_device},
        {"the volume asks during CONNECT, by seeds", test_volume_races},
    };
    CU_pSuite suite = CU_add_suite("02 life", linked_folder_create, linked_folder_remove);

    for (unsigned i = 0; suite != NULL && i < RTL_NUMBER_OF(cases); i++) {
        if (CU_add_test(suite, cases[i].name, cases[i].run) == NULL) {
            return CU_get_error();
        }
    }
    return suite != NULL ? CUE_SUCCESS : CU_get_error();
}
