/*
 * The control interface: what is in the buffer is believed in nothing. Lengths, signature,
 * version, command, rights, then
 * the path; the list of what is connected; events.
 */
#include "support/linked.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

/* --- lengths --- */

struct command {
    ULONG code, input, output;
};
static const struct command commands[] = {
    {VminiCommandScsiport, sizeof(VMINI_COMMAND), sizeof(VMINI_SCSIPORT_OUT)},
    {VminiCommandConnect, sizeof(VMINI_CONNECT_IN), sizeof(VMINI_CONNECT_OUT)},
    {VminiCommandDisconnect, sizeof(VMINI_DISCONNECT_IN), 0},
    {VminiCommandActiveList, sizeof(VMINI_COMMAND), FIELD_OFFSET(VMINI_ACTIVE_LIST_OUT, Entries)},
    {VminiCommandWaitEvent, sizeof(VMINI_WAIT_EVENT_IN), sizeof(VMINI_EVENT)},
};

/** A command whose content is nonsense, so that one with the right lengths is refused later on, or
 *  answers. */
static uint8_t *command_of(const struct command *command, ULONG says)
{
    uint8_t *buffer = calloc(1, 4096);

    CHILD_CHECK(buffer != NULL);
    linked_header((VMINI_COMMAND *)(void *)buffer, command->code, says);
    if (command->code == VminiCommandWaitEvent) {
        ((VMINI_WAIT_EVENT_IN *)(void *)buffer)->LastSequence =
            77; /* No such event: refused, not pended. */
    }
    return buffer;
}

/** Every length of input from nothing to more than enough. The buffer is as long as it says, in
 *  guarded pool. */
static void every_input_length(void *argument)
{
    static uint8_t out[4096];
    ULONG returned;

    (void)argument;
    linked_up();
    for (unsigned c = 0; c < RTL_NUMBER_OF(commands); c++) {
        for (ULONG length = 0; length <= commands[c].input + 8; length++) {
            uint8_t *honest = command_of(&commands[c], length);
            uint8_t *liar = command_of(&commands[c], commands[c].input);
            NTSTATUS status = linked_call(honest, length, out, sizeof(out), &returned);

            CHILD_CHECK((status == STATUS_INVALID_BUFFER_SIZE) == (length != commands[c].input));
            CHILD_CHECK(NT_SUCCESS(status) || returned == 0);
            status = linked_call(liar, length, out, sizeof(out), &returned);
            CHILD_CHECK((status == STATUS_INVALID_BUFFER_SIZE) == (length != commands[c].input));
            free(honest);
            free(liar);
        }
        uint8_t *wrong = command_of(&commands[c], commands[c].input + 1);
        CHILD_CHECK(linked_call(wrong, commands[c].input, out, sizeof(out), NULL) ==
                    STATUS_INVALID_BUFFER_SIZE);
        free(wrong);
    }
    linked_down();
}

static void every_output_length(void *argument)
{
    static uint8_t out[4096];
    ULONG returned;

    (void)argument;
    linked_up();
    for (unsigned c = 0; c < RTL_NUMBER_OF(commands); c++) {
        for (ULONG length = 0; length <= commands[c].output + 8; length++) {
            uint8_t *in = command_of(&commands[c], commands[c].input);
            NTSTATUS status;

            memset(out, 0xEE, sizeof(out));
            status = linked_call(in, commands[c].input, out, length, &returned);
            CHILD_CHECK((status == STATUS_BUFFER_TOO_SMALL) == (length < commands[c].output));
            CHILD_CHECK(returned <= length && out[length] == 0xEE);
            free(in);
        }
    }
    linked_down();
}

static void headers_that_are_not_ours(void *argument)
{
    VMINI_COMMAND in;
    uint8_t out[64];

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_call(NULL, 0, NULL, 0, NULL) == STATUS_INVALID_BUFFER_SIZE);
    linked_header(&in, VminiCommandScsiport, sizeof(in));
    in.Signature++;
    CHILD_CHECK(linked_call(&in, sizeof(in), out, sizeof(out), NULL) == STATUS_INVALID_PARAMETER);
    linked_header(&in, VminiCommandScsiport, sizeof(in));
    in.Version = 2;
    CHILD_CHECK(linked_call(&in, sizeof(in), out, sizeof(out), NULL) == STATUS_REVISION_MISMATCH);
    in.Version = 0;
    CHILD_CHECK(linked_call(&in, sizeof(in), out, sizeof(out), NULL) == STATUS_REVISION_MISMATCH);
    static const ULONG codes[] = {0, VminiCommandWaitEvent + 1, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF};
    for (unsigned i = 0; i < RTL_NUMBER_OF(codes); i++) {
        linked_header(&in, codes[i], sizeof(in));
        CHILD_CHECK(linked_call(&in, sizeof(in), out, sizeof(out), NULL) ==
                    STATUS_INVALID_DEVICE_REQUEST);
    }
    linked_down();
}

static void rights(void *argument)
{
    static uint8_t out[4096];

    (void)argument;
    linked_up();
    host_set_user(HOST_USER_STANDARD, 65534);
    for (unsigned c = 0; c < RTL_NUMBER_OF(commands); c++) {
        bool privileged =
            commands[c].code == VminiCommandConnect || commands[c].code == VminiCommandDisconnect;
        uint8_t *in = command_of(&commands[c], commands[c].input);
        NTSTATUS status = linked_call(in, commands[c].input, out, sizeof(out), NULL);

        CHILD_CHECK((status == STATUS_PRIVILEGE_NOT_HELD) == privileged);
        free(in);
    }
    linked_down();
}

/* --- paths --- */

struct path_case {
    const WCHAR *source;
    NTSTATUS status;
    const WCHAR *nt;
};
static const struct path_case paths[] = {
    {u"C:\\images\\a.img", STATUS_SUCCESS, u"\\??\\C:\\images\\a.img"},
    {u"z:\\a", STATUS_SUCCESS, u"\\??\\z:\\a"},
    {u"C:\\", STATUS_SUCCESS, u"\\??\\C:\\"}, /* A folder: the file system will say so. */
    {u"\\\\server\\share\\a.img", STATUS_SUCCESS, u"\\??\\UNC\\server\\share\\a.img"},
    {u"\\\\?\\C:\\a.img", STATUS_SUCCESS, u"\\??\\C:\\a.img"},
    {u"\\\\?\\unc\\server\\share\\a", STATUS_SUCCESS, u"\\??\\UNC\\server\\share\\a"},
    {u"\\\\.\\C:\\a.img", STATUS_SUCCESS, u"\\??\\C:\\a.img"},
    {u"\\??\\C:\\a.img", STATUS_SUCCESS, u"\\??\\C:\\a.img"},
    {u"\\Device\\HarddiskVolume1\\a", STATUS_SUCCESS, u"\\Device\\HarddiskVolume1\\a"},
    {u"\\device\\x", STATUS_SUCCESS, u"\\Device\\x"},
    {u"", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"a.img", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"images\\a.img", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"\\images\\a.img", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"C:a.img", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"C:", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"C", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"1:\\a", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"[:\\a", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"\\", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"\\\\", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"\\\\?\\", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"\\\\?\\UNC\\", STATUS_OBJECT_NAME_INVALID, NULL},
    {u"\\Device\\", STATUS_OBJECT_NAME_INVALID, NULL},
};

static void resolving_paths(void *argument)
{
    static VMINI_CONNECTION connection;
    static WCHAR source[VMINI_PATH_LENGTH];

    (void)argument;
    linked_boot();
    for (unsigned i = 0; i < RTL_NUMBER_OF(paths); i++) {
        UNICODE_STRING expected;

        memset(&connection, 0, sizeof(connection));
        memset(source, 0, sizeof(source));
        for (unsigned c = 0; paths[i].source[c] != 0; c++) {
            source[c] = paths[i].source[c];
        }
        CHILD_CHECK(VminiPathResolve(source, &connection) == paths[i].status);
        if (paths[i].nt != NULL) {
            RtlInitUnicodeString(&expected, paths[i].nt);
            CHILD_CHECK(connection.NtPath.Length == expected.Length);
            CHILD_CHECK(memcmp(connection.NtPath.Buffer, expected.Buffer, expected.Length) == 0);
            CHILD_CHECK(connection.Key.Length == expected.Length &&
                        connection.Key.Buffer == connection.KeyBuffer);
            CHILD_CHECK(RtlEqualUnicodeString(&connection.Key, &expected, TRUE));
            CHILD_CHECK(connection.Key.Buffer[expected.Length / 2 - 1] ==
                        RtlUpcaseUnicodeChar(expected.Buffer[expected.Length / 2 - 1]));
        }
    }
    CHILD_CHECK(host_halt(stderr) == 0);
}

/** The longest path fits with the longest prefix; one character more has no room for its end. */
static void long_paths(void *argument)
{
    static VMINI_CONNECTION connection;
    WCHAR *source;

    (void)argument;
    linked_boot();
    source = ExAllocatePoolWithTag(NonPagedPoolNx, VMINI_PATH_LENGTH * sizeof(WCHAR),
                                   'tseT'); /* Guarded. */
    for (unsigned i = 0; i < VMINI_PATH_LENGTH; i++) {
        source[i] = i < 2 ? '\\' : 'x';
    }
    CHILD_CHECK(VminiPathResolve(source, &connection) == STATUS_NAME_TOO_LONG);
    source[VMINI_PATH_LENGTH - 1] = 0;
    CHILD_CHECK(VminiPathResolve(source, &connection) == STATUS_SUCCESS);
    CHILD_CHECK(connection.NtPath.Length == (VMINI_PATH_LENGTH - 1 - 2 + 8) * sizeof(WCHAR));
    CHILD_CHECK(connection.NtPath.Length <= connection.NtPath.MaximumLength);
    CHILD_CHECK(connection.NtPath.MaximumLength == sizeof(connection.NtPathBuffer));
    CHILD_CHECK(connection.UserPath[VMINI_PATH_LENGTH - 1] == 0);
    ExFreePoolWithTag(source, 'tseT');
    CHILD_CHECK(host_halt(stderr) == 0);
}

/* --- the list --- */

static NTSTATUS list(VMINI_ACTIVE_LIST_OUT *out, ULONG entries, ULONG *returned)
{
    VMINI_COMMAND in;

    linked_header(&in, VminiCommandActiveList, sizeof(in));
    return linked_call(&in, sizeof(in), out,
                       (ULONG)(FIELD_OFFSET(VMINI_ACTIVE_LIST_OUT, Entries) +
                               entries * sizeof(VMINI_ACTIVE_ENTRY)),
                       returned);
}

static void the_list_of_what_is_connected(void *argument)
{
    static const char *const names[] = {"a.img", "b.iso", "c.img"};
    VMINI_ACTIVE_LIST_OUT *out = calloc(1, 8192);
    WCHAR path[VMINI_PATH_LENGTH];
    struct host_error error;
    ULONG returned;

    (void)argument;
    linked_up();
    CHILD_CHECK(list(out, 0, &returned) == STATUS_SUCCESS && out->Total == 0 && out->Returned == 0);
    for (unsigned i = 0; i < 3; i++) {
        CHILD_CHECK(linked_connect(linked_image(names[i], 8192), i == 1 ? VMINI_CONNECT_CDROM : 0,
                                   NULL) == STATUS_SUCCESS);
    }
    for (ULONG room = 0; room <= 4; room++) {
        NTSTATUS status = list(out, room, &returned);

        CHILD_CHECK(status == (room < 3 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS));
        CHILD_CHECK(out->Total == 3 && out->Returned == (room < 3 ? room : 3));
        CHILD_CHECK(returned == FIELD_OFFSET(VMINI_ACTIVE_LIST_OUT, Entries) +
                                    out->Returned * sizeof(VMINI_ACTIVE_ENTRY));
    }
    CHILD_CHECK(out->Entries[1].Flags == VMINI_CONNECT_CDROM && out->Entries[1].BlockSize == 2048);
    CHILD_CHECK(out->Entries[1].BlockCount == 4 && out->Entries[1].State == 1);
    CHILD_CHECK(host_win32_path(linked_image(names[2], 8192), path, VMINI_PATH_LENGTH, &error));
    CHILD_CHECK(out->Entries[2].Address.Target == 2 && out->Entries[2].BlockSize == 512);
    for (unsigned i = 0; i == 0 || path[i - 1] != 0; i++) {
        CHILD_CHECK(out->Entries[2].PathName[i] == path[i]);
    }
    free(out);
    linked_down();
}

/* --- events --- */

static NTSTATUS next_event(ULONGLONG last, VMINI_EVENT *event)
{
    VMINI_WAIT_EVENT_IN in;

    memset(&in, 0, sizeof(in));
    linked_header(&in.Command, VminiCommandWaitEvent, sizeof(in));
    in.LastSequence = last;
    return linked_call(&in, sizeof(in), event, sizeof(*event), NULL);
}

static void events_come_in_order(void *argument)
{
    VMINI_WAIT_EVENT_IN in;
    VMINI_EVENT event, pended;
    struct host_ioctl ioctl;

    (void)argument;
    linked_up();
    memset(&in, 0, sizeof(in));
    linked_header(&in.Command, VminiCommandWaitEvent, sizeof(in));
    linked_begin(&ioctl, &in, sizeof(in), &pended, sizeof(pended));
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(linked_disconnect(linked_image("a.img", 512)) == STATUS_SUCCESS);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_SUCCESS);
    CHILD_CHECK(pended.Sequence == 1 && pended.Lost == 0 && pended.Kind == VminiEventArrival &&
                pended.Status == 0);
    CHILD_CHECK(next_event(1, &event) == STATUS_SUCCESS);
    CHILD_CHECK(event.Sequence == 2 && event.Kind == VminiEventDeparture && event.Lost == 0);
    CHILD_CHECK(next_event(0, &event) == STATUS_SUCCESS &&
                event.Sequence == 1); /* They stay for those who come late. */
    CHILD_CHECK(next_event(3, &event) == STATUS_INVALID_PARAMETER); /* None has this number yet. */
    CHILD_CHECK(next_event(MAXULONGLONG, &event) == STATUS_INVALID_PARAMETER);
    linked_down();
}

static void the_ring_overflows(void *argument)
{
    static const WCHAR path[VMINI_PATH_LENGTH];
    const VMINI_ADDRESS address = {0, 0, 0, 0};
    VMINI_EVENT event;

    (void)argument;
    linked_up();
    for (unsigned i = 1; i <= 3 * VMINI_EVENT_RING; i++) {
        VminiEventPost(linked_adapter(), VminiEventMediaError, address, path, (NTSTATUS)i);
    }
    CHILD_CHECK(next_event(0, &event) == STATUS_SUCCESS);
    CHILD_CHECK(event.Sequence == 2 * VMINI_EVENT_RING + 1 && event.Lost == 2 * VMINI_EVENT_RING);
    CHILD_CHECK(event.Status == (NTSTATUS)event.Sequence);
    CHILD_CHECK(next_event(2 * VMINI_EVENT_RING, &event) == STATUS_SUCCESS &&
                event.Lost == 0); /* The oldest one. */
    CHILD_CHECK(next_event(2 * VMINI_EVENT_RING - 1, &event) == STATUS_SUCCESS && event.Lost == 1);
    CHILD_CHECK(next_event(3 * VMINI_EVENT_RING - 1, &event) == STATUS_SUCCESS);
    CHILD_CHECK(event.Sequence == 3 * VMINI_EVENT_RING && event.Lost == 0);
    linked_down();
}

static void every_waiter_is_told(void *argument)
{
    VMINI_WAIT_EVENT_IN in;
    VMINI_EVENT events[4];
    struct host_ioctl ioctls[4];

    (void)argument;
    linked_up();
    memset(&in, 0, sizeof(in));
    linked_header(&in.Command, VminiCommandWaitEvent, sizeof(in));
    for (unsigned i = 0; i < 4; i++) {
        linked_begin(&ioctls[i], &in, sizeof(in), &events[i], sizeof(events[i]));
    }
    host_ioctl_cancel(&ioctls[1]);
    CHILD_CHECK(host_ioctl_wait(&ioctls[1]) == STATUS_CANCELLED && ioctls[1].returned == 0);
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    for (unsigned i = 0; i < 4; i++) {
        if (i != 1) {
            CHILD_CHECK(host_ioctl_wait(&ioctls[i]) == STATUS_SUCCESS && events[i].Sequence == 1);
        }
    }
    linked_down();
}

/** A WAIT_EVENT that is left behind ends when the adapter goes. */
static void removal_ends_the_waiting(void *argument)
{
    VMINI_WAIT_EVENT_IN in;
    VMINI_EVENT event;
    struct host_ioctl ioctl;
    struct host_error error;

    (void)argument;
    linked_up();
    memset(&in, 0, sizeof(in));
    linked_header(&in.Command, VminiCommandWaitEvent, sizeof(in));
    linked_begin(&ioctl, &in, sizeof(in), &event, sizeof(event));
    CHILD_CHECK(host_remove(&error));
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_DEVICE_REMOVED);
    linked_down();
}

/** What the backing file fails is an event: with the status, and the end of a file cut off is a
 *  status of its own. */
static void media_errors_are_told(void *argument)
{
    struct host_file_fault eio = {HOST_FILE_READ, 1, true, 5, UINT32_MAX, false};
    struct host_file_fault cut = {HOST_FILE_READ, 1, true, 0, 100, false};
    struct host_request *request;
    uint8_t data[512];
    VMINI_EVENT event;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(linked_image("a.img", 8192), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    request = host_request_create();
    request->cdb[0] = SCSIOP_READ;
    request->cdb[8] = 1;
    request->cdb_length = 10;
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = sizeof(data);
    host_file_fault_add(&eio);
    CHILD_CHECK(host_execute(request) == SRB_STATUS_ERROR);
    host_file_faults_clear();
    CHILD_CHECK(next_event(1, &event) == STATUS_SUCCESS && event.Kind == VminiEventMediaError);
    CHILD_CHECK(event.Status == nt_status_of_errno(5) && event.Address.Target == 0);
    host_file_fault_add(&cut);
    CHILD_CHECK(host_execute(request) == SRB_STATUS_ERROR && request->transferred == 0);
    host_file_faults_clear();
    CHILD_CHECK(next_event(2, &event) == STATUS_SUCCESS && event.Status == STATUS_END_OF_FILE);
    CHILD_CHECK(host_execute(request) == SRB_STATUS_SUCCESS && request->transferred == 512);
    host_request_free(request);
    linked_down();
}

LINKED_CASE(every_input_length)
LINKED_CASE(every_output_length)
LINKED_CASE(headers_that_are_not_ours)
LINKED_CASE(rights)
LINKED_CASE(resolving_paths)
LINKED_CASE(long_paths)
LINKED_CASE(the_list_of_what_is_connected)
LINKED_CASE(events_come_in_order)
LINKED_CASE(the_ring_overflows)
LINKED_CASE(every_waiter_is_told)
LINKED_CASE(removal_ends_the_waiting)
LINKED_CASE(media_errors_are_told)

CU_ErrorCode register_service_suite(void);
CU_ErrorCode register_service_suite(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"input of every length", test_every_input_length},
        {"output of every length", test_every_output_length},
        {"headers that are not ours", test_headers_that_are_not_ours},
        {"who may do what", test_rights},
        {"paths, from what is typed to what is opened", test_resolving_paths},
        {"paths that are too long, and just not", test_long_paths},
        {"the list of what is connected, in every room", test_the_list_of_what_is_connected},
        {"events come in order", test_events_come_in_order},
        {"the ring of events overflows", test_the_ring_overflows},
        {"every waiter is told", test_every_waiter_is_told},
        {"removal ends the waiting", test_removal_ends_the_waiting},
        {"media errors are told", test_media_errors_are_told},
    };
    CU_pSuite suite = CU_add_suite("02 service", linked_folder_create, linked_folder_remove);

    for (unsigned i = 0; suite != NULL && i < RTL_NUMBER_OF(cases); i++) {
        if (CU_add_test(suite, cases[i].name, cases[i].run) == NULL) {
            return CU_get_error();
        }
    }
    return suite != NULL ? CUE_SUCCESS : CU_get_error();
}
