/*
 * Driver and device objects, device stacks, names in the object directory, and device interfaces.
 * Above the object manager, beneath the port driver and PnP. Knows nothing of what a device does.
 */
#include "nt/io_internal.h"

#include <pthread.h>

/** What the I/O manager itself keeps of a device. */
struct _DEVOBJ_EXTENSION {
    PDEVICE_OBJECT attached_to;
    char *name;     /* "\Device\..." in UTF-8, or NULL. */
    char *instance; /* The devnode's instance id if the device is a PDO. */
    struct _DEVOBJ_EXTENSION *next_named;
    PDEVICE_OBJECT device;
};

/** One registered interface of a PDO; lives as long as the machine, as its registry key does on
 *  Windows. */
struct device_interface {
    GUID interface_class;
    char *link; /* "\??\ROOT#...#{guid}" in UTF-8. */
    PDEVICE_OBJECT pdo;
    bool enabled;
    struct device_interface *next;
};

struct symbolic_link {
    char *name, *target;
    struct symbolic_link *next;
};

/* Guards stacks, names, links and interfaces; never held across an NT routine. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct _DEVOBJ_EXTENSION *named;
static struct symbolic_link *links;
static struct device_interface *interfaces;

/* --- drivers --- */

static NTSTATUS NTAPI driver_invalid_request(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/** A client's extension of a driver object; the identification address is its key. */
struct driver_extension {
    void *key;
    struct driver_extension *next;
    max_align_t data[];
};

struct driver {
    DRIVER_OBJECT object;
    DRIVER_EXTENSION extension;
    struct driver_extension *extensions;
};

static void driver_destroy(void *body)
{
    struct driver *driver = body;

    while (driver->extensions != NULL) {
        struct driver_extension *extension = driver->extensions;
        driver->extensions = extension->next;
        free(extension);
    }
    free(driver->object.DriverName.Buffer);
}

static const struct nt_object_type driver_type = {.name = "Driver", .destroy = driver_destroy};

PDRIVER_OBJECT nt_driver_create(const char *name)
{
    struct driver *driver = nt_object_create(&driver_type, sizeof(*driver));
    PDRIVER_OBJECT object = &driver->object;
    size_t chars;

    object->Type = IO_TYPE_DRIVER;
    object->Size = sizeof(*object);
    object->DriverExtension = &driver->extension;
    driver->extension.DriverObject = object;
    object->DriverName.Buffer = nt_utf16(name, &chars);
    object->DriverName.Length = (USHORT)(chars * sizeof(WCHAR));
    object->DriverName.MaximumLength = object->DriverName.Length;
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        object->MajorFunction[i] = driver_invalid_request;
    }
    return object;
}

NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                               PVOID ClientIdentificationAddress,
                                               ULONG DriverObjectExtensionSize,
                                               PVOID *DriverObjectExtension)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    struct driver *driver = CONTAINING_RECORD(DriverObject, struct driver, object);
    struct driver_extension *made;

    *DriverObjectExtension = NULL;
    if (IoGetDriverObjectExtension(DriverObject, ClientIdentificationAddress) != NULL) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    made = calloc(1, sizeof(*made) + DriverObjectExtensionSize);
    if (made == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    made->key = ClientIdentificationAddress;
    pthread_mutex_lock(&lock);
    made->next = driver->extensions;
    driver->extensions = made;
    pthread_mutex_unlock(&lock);
    *DriverObjectExtension = made->data;
    return STATUS_SUCCESS;
}

PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                       PVOID ClientIdentificationAddress)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    struct driver *driver = CONTAINING_RECORD(DriverObject, struct driver, object);

    pthread_mutex_lock(&lock);
    struct driver_extension *at = driver->extensions;
    while (at != NULL && at->key != ClientIdentificationAddress) {
        at = at->next;
    }
    pthread_mutex_unlock(&lock);
    return at != NULL ? at->data : NULL;
}

/* --- devices --- */

static void device_destroy(void *body)
{
    PDEVICE_OBJECT device = body;

    free(device->DeviceObjectExtension->name);
    free(device->DeviceObjectExtension->instance);
    nt_object_dereference(device->DriverObject);
}

static const struct nt_object_type device_type = {.name = "Device", .destroy = device_destroy};

static struct _DEVOBJ_EXTENSION *find_named(const char *name)
{
    struct _DEVOBJ_EXTENSION *at = named;

    while (at != NULL && strcasecmp(at->name, name) != 0) {
        at = at->next_named;
    }
    return at;
}

/** Enters the name (may be NULL) and puts the device into its driver's list. */
static bool device_publish(PDEVICE_OBJECT device, char *name)
{
    struct _DEVOBJ_EXTENSION *extension = device->DeviceObjectExtension;
    PDRIVER_OBJECT driver = device->DriverObject;
    bool collision;

    pthread_mutex_lock(&lock);
    collision = name != NULL && find_named(name) != NULL;
    if (!collision) {
        device->NextDevice = driver->DeviceObject;
        driver->DeviceObject = device;
        extension->name = name;
        if (name != NULL) {
            extension->next_named = named;
            named = extension;
            device->Flags |= DO_DEVICE_HAS_NAME;
        }
    }
    pthread_mutex_unlock(&lock);
    return !collision;
}

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                              PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                              ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                              PDEVICE_OBJECT *DeviceObject)
{
    NT_ROUTINE(APC_LEVEL);
    size_t extension = ALIGN_UP_BY(DeviceExtensionSize, 16);
    size_t size = sizeof(DEVICE_OBJECT) + extension + sizeof(struct _DEVOBJ_EXTENSION);
    PDEVICE_OBJECT device = nt_object_create(&device_type, size);
    char *name =
        DeviceName == NULL ? NULL : nt_utf8(DeviceName->Buffer, DeviceName->Length / sizeof(WCHAR));

    *DeviceObject = NULL;
    nt_object_reference(DriverObject);
    device->Type = IO_TYPE_DEVICE;
    device->Size = (USHORT)(sizeof(DEVICE_OBJECT) + DeviceExtensionSize);
    device->DriverObject = DriverObject;
    device->DeviceType = DeviceType;
    device->Characteristics = DeviceCharacteristics;
    device->Flags = DO_DEVICE_INITIALIZING | (Exclusive ? DO_EXCLUSIVE : 0);
    device->StackSize = 1;
    device->DeviceExtension = DeviceExtensionSize != 0 ? device + 1 : NULL;
    device->DeviceObjectExtension =
        (struct _DEVOBJ_EXTENSION *)(void *)((char *)(device + 1) + extension);
    device->DeviceObjectExtension->device = device;
    if (!device_publish(device, name)) {
        free(name);
        nt_object_dereference(device);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *DeviceObject = device;
    return STATUS_SUCCESS;
}

VOID NTAPI IoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    NT_ROUTINE(APC_LEVEL);
    struct _DEVOBJ_EXTENSION *extension = DeviceObject->DeviceObjectExtension;

    if (DeviceObject->AttachedDevice != NULL || extension->attached_to != NULL) {
        verifier_bugcheck(
            RULE_DEVICE_STILL_ATTACHED, (uintptr_t)DeviceObject, 0, 0,
            "IoDeleteDevice of a device that is attached to another or has one on top");
    }
    pthread_mutex_lock(&lock);
    PDEVICE_OBJECT *link = &DeviceObject->DriverObject->DeviceObject;
    while (*link != NULL && *link != DeviceObject) {
        link = &(*link)->NextDevice;
    }
    if (*link != NULL) {
        *link = DeviceObject->NextDevice;
    }
    struct _DEVOBJ_EXTENSION **at = &named;
    while (*at != NULL && *at != extension) {
        at = &(*at)->next_named;
    }
    if (*at != NULL) {
        *at = extension->next_named;
    }
    pthread_mutex_unlock(&lock);
    nt_object_dereference(DeviceObject);
}

/* --- stacks --- */

static PDEVICE_OBJECT stack_top(PDEVICE_OBJECT device)
{
    while (device->AttachedDevice != NULL) {
        device = device->AttachedDevice;
    }
    return device;
}

PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice,
                                                 PDEVICE_OBJECT TargetDevice)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    pthread_mutex_lock(&lock);
    PDEVICE_OBJECT top = stack_top(TargetDevice);
    if ((top->Flags & DO_DEVICE_INITIALIZING) != 0) {
        top = NULL;
    } else {
        top->AttachedDevice = SourceDevice;
        SourceDevice->DeviceObjectExtension->attached_to = top;
        SourceDevice->StackSize = (CCHAR)(top->StackSize + 1);
        SourceDevice->AlignmentRequirement = top->AlignmentRequirement;
        SourceDevice->SectorSize = top->SectorSize;
    }
    pthread_mutex_unlock(&lock);
    return top;
}

VOID NTAPI IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    pthread_mutex_lock(&lock);
    if (TargetDevice->AttachedDevice != NULL) {
        TargetDevice->AttachedDevice->DeviceObjectExtension->attached_to = NULL;
        TargetDevice->AttachedDevice = NULL;
    }
    pthread_mutex_unlock(&lock);
}

PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    pthread_mutex_lock(&lock);
    PDEVICE_OBJECT top = stack_top(DeviceObject);
    pthread_mutex_unlock(&lock);
    return top;
}

PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    pthread_mutex_lock(&lock);
    PDEVICE_OBJECT top = stack_top(DeviceObject);
    nt_object_reference(top);
    pthread_mutex_unlock(&lock);
    return top;
}

PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    pthread_mutex_lock(&lock);
    PDEVICE_OBJECT top = stack_top(FileObject->DeviceObject);
    pthread_mutex_unlock(&lock);
    return top;
}

/* --- names --- */

static char *unicode_to_utf8(PCUNICODE_STRING text)
{
    return nt_utf8(text->Buffer, text->Length / sizeof(WCHAR));
}

NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct symbolic_link *link = calloc(1, sizeof(*link));
    struct symbolic_link *at;

    if (link == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    link->name = unicode_to_utf8(SymbolicLinkName);
    link->target = unicode_to_utf8(DeviceName);
    pthread_mutex_lock(&lock);
    for (at = links; at != NULL && strcasecmp(at->name, link->name) != 0; at = at->next) {
    }
    if (at == NULL) {
        link->next = links;
        links = link;
    }
    pthread_mutex_unlock(&lock);
    if (at != NULL) {
        free(link->name);
        free(link->target);
        free(link);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    char *name = unicode_to_utf8(SymbolicLinkName);

    pthread_mutex_lock(&lock);
    struct symbolic_link **at = &links;
    while (*at != NULL && strcasecmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    struct symbolic_link *found = *at;
    if (found != NULL) {
        *at = found->next;
    }
    pthread_mutex_unlock(&lock);
    free(name);
    if (found == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    free(found->name);
    free(found->target);
    free(found);
    return STATUS_SUCCESS;
}

/* --- device interfaces --- */

void nt_device_set_instance(PDEVICE_OBJECT pdo, const char *instance)
{
    char *copy = strdup(instance);

    free(pdo->DeviceObjectExtension->instance);
    pdo->DeviceObjectExtension->instance = copy;
    pdo->Flags |= DO_BUS_ENUMERATED_DEVICE;
}

const char *nt_device_instance(PDEVICE_OBJECT pdo)
{
    return pdo->DeviceObjectExtension->instance;
}

#define GUID_TEXT_SIZE 39
static void guid_text(const GUID *guid, char text[GUID_TEXT_SIZE])
{
    snprintf(text, GUID_TEXT_SIZE, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
             guid->Data1, guid->Data2, guid->Data3, guid->Data4[0], guid->Data4[1], guid->Data4[2],
             guid->Data4[3], guid->Data4[4], guid->Data4[5], guid->Data4[6], guid->Data4[7]);
}

/** "\??\ROOT#SCSIADAPTER#0000#{guid}[\reference]", malloc'ed. */
static char *interface_link(const char *instance, const GUID *interface_class,
                            PCUNICODE_STRING reference)
{
    char guid[GUID_TEXT_SIZE];
    char *tail = reference == NULL || reference->Length == 0 ? NULL : unicode_to_utf8(reference);
    size_t size = strlen(instance) + (tail != NULL ? strlen(tail) : 0) + GUID_TEXT_SIZE + 8;
    char *link = malloc(size);

    guid_text(interface_class, guid);
    if (link != NULL) {
        snprintf(link, size, "\\??\\%s#%s%s%s", instance, guid, tail != NULL ? "\\" : "",
                 tail != NULL ? tail : "");
        for (char *at = link + 4; at < link + 4 + strlen(instance); at++) {
            *at = *at == '\\' ? '#' : *at;
        }
    }
    free(tail);
    return link;
}

static struct device_interface *interface_find(const char *link)
{
    struct device_interface *at = interfaces;

    while (at != NULL && strcasecmp(at->link, link) != 0) {
        at = at->next;
    }
    return at;
}

/** Registers the interface, unless it is registered already: then it stays as it is. */
static void interface_register(PDEVICE_OBJECT pdo, const GUID *interface_class, const char *link)
{
    pthread_mutex_lock(&lock);
    struct device_interface *found = interface_find(link);
    if (found == NULL && (found = calloc(1, sizeof(*found))) != NULL) {
        found->link = strdup(link);
        found->interface_class = *interface_class;
        found->next = interfaces;
        interfaces = found;
    }
    if (found != NULL) {
        found->pdo = pdo;
    }
    pthread_mutex_unlock(&lock);
}

NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                         const GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString,
                                         PUNICODE_STRING SymbolicLinkName)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    const char *instance = PhysicalDeviceObject->DeviceObjectExtension->instance;
    size_t chars;

    if (instance == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    char *link = interface_link(instance, InterfaceClassGuid, ReferenceString);
    WCHAR *wide = link == NULL ? NULL : nt_utf16(link, &chars);
    /* The caller frees it with RtlFreeUnicodeString. */
    WCHAR *buffer = wide == NULL ? NULL
                                 : ExAllocatePoolWithTag(PagedPool, (chars + 1) * sizeof(WCHAR),
                                                         0x50706E50u /* 'PnpP' */);
    if (buffer == NULL) {
        free(wide);
        free(link);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(buffer, wide, (chars + 1) * sizeof(WCHAR));
    SymbolicLinkName->Buffer = buffer;
    SymbolicLinkName->Length = (USHORT)(chars * sizeof(WCHAR));
    SymbolicLinkName->MaximumLength = (USHORT)(SymbolicLinkName->Length + sizeof(WCHAR));
    interface_register(PhysicalDeviceObject, InterfaceClassGuid, link);
    free(wide);
    free(link);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    char *link = unicode_to_utf8(SymbolicLinkName);
    NTSTATUS status = STATUS_SUCCESS;

    pthread_mutex_lock(&lock);
    struct device_interface *found = link == NULL ? NULL : interface_find(link);
    if (found == NULL || (!Enable && !found->enabled)) {
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else if (Enable && found->enabled) {
        status = STATUS_OBJECT_NAME_EXISTS;
    } else {
        found->enabled = Enable;
    }
    pthread_mutex_unlock(&lock);
    free(link);
    return status;
}

uint64_t nt_interface_count(void)
{
    uint64_t count = 0;

    pthread_mutex_lock(&lock);
    for (struct device_interface *at = interfaces; at != NULL; at = at->next) {
        count += at->enabled;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

PDEVICE_OBJECT nt_interface_find(const GUID *interface_class)
{
    PDEVICE_OBJECT pdo = NULL;

    pthread_mutex_lock(&lock);
    for (struct device_interface *at = interfaces; at != NULL && pdo == NULL; at = at->next) {
        if (at->enabled && memcmp(&at->interface_class, interface_class, sizeof(GUID)) == 0) {
            pdo = at->pdo;
            nt_object_reference(pdo);
        }
    }
    pthread_mutex_unlock(&lock);
    return pdo;
}

void nt_device_halt(void)
{
    while (interfaces != NULL) {
        struct device_interface *at = interfaces;
        interfaces = at->next;
        free(at->link);
        free(at);
    }
    while (links != NULL) {
        struct symbolic_link *at = links;
        links = at->next;
        free(at->name);
        free(at->target);
        free(at);
    }
}
