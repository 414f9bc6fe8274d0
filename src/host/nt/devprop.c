/*
 * What the registry says of a devnode: IoGetDeviceProperty and IoOpenDeviceRegistryKey. The INF
 * installer wrote it below Enum\<instance>; here it is read by the PDO.
 */
#include "nt/io_internal.h"

#define ENUM_KEY  "HKLM\\SYSTEM\\CurrentControlSet\\Enum\\"
#define CLASS_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\"

/** Value below Enum\<instance> that holds a property. */
static const char *const property_values[] = {
    [DevicePropertyDeviceDescription] = "DeviceDesc",
    [DevicePropertyHardwareID] = "HardwareID",
    [DevicePropertyCompatibleIDs] = "CompatibleIDs",
    [DevicePropertyClassName] = "Class",
    [DevicePropertyClassGuid] = "ClassGUID",
    [DevicePropertyDriverKeyName] = "Driver",
    [DevicePropertyManufacturer] = "Mfg",
    [DevicePropertyFriendlyName] = "FriendlyName",
    [DevicePropertyLocationInformation] = "LocationInformation",
    [DevicePropertyAddress] = "Address",
    [DevicePropertyUINumber] = "UINumber",
};

/** "ROOT" of "ROOT\SCSIADAPTER\0000", as a REG_SZ. */
static void *enumerator_name(const char *instance, ULONG *length)
{
    size_t chars = strcspn(instance, "\\");
    WCHAR *name = calloc(chars + 1, sizeof(WCHAR));

    for (size_t i = 0; name != NULL && i < chars; i++) {
        name[i] = (WCHAR)instance[i];
    }
    *length = (ULONG)((chars + 1) * sizeof(WCHAR));
    return name;
}

NTSTATUS NTAPI IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject,
                                   DEVICE_REGISTRY_PROPERTY DeviceProperty, ULONG BufferLength,
                                   PVOID PropertyBuffer, PULONG ResultLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    const char *instance = nt_device_instance(DeviceObject);
    ULONG type, length = 0;
    char path[512];
    void *data = NULL;

    *ResultLength = 0;
    if (instance == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    snprintf(path, sizeof(path), ENUM_KEY "%s", instance);
    if (DeviceProperty == DevicePropertyEnumeratorName) {
        data = enumerator_name(instance, &length);
    } else if ((size_t)DeviceProperty >= RTL_NUMBER_OF(property_values) ||
               property_values[DeviceProperty] == NULL) {
        return STATUS_INVALID_PARAMETER_2;
    } else {
        data = nt_registry_get(path, property_values[DeviceProperty], &type, &length);
    }
    if (data == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *ResultLength = length;
    if (length <= BufferLength) {
        memcpy(PropertyBuffer, data, length);
    }
    free(data);
    return length <= BufferLength ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                       ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    const char *instance = nt_device_instance(DeviceObject);
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    char path[512], full[544];
    size_t chars;

    *DeviceRegKey = NULL;
    if (instance == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    snprintf(path, sizeof(path), ENUM_KEY "%s", instance);
    if (DevInstKeyType == PLUGPLAY_REGKEY_DRIVER) {
        char *driver = nt_registry_get_string(path, "Driver");
        if (driver == NULL) {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        snprintf(path, sizeof(path), CLASS_KEY "%s", driver);
        free(driver);
    } else if (DevInstKeyType == PLUGPLAY_REGKEY_DEVICE) {
        strncat(path, "\\Device Parameters", sizeof(path) - strlen(path) - 1);
    } else {
        return STATUS_INVALID_PARAMETER;
    }
    nt_registry_create_key(path);
    snprintf(full, sizeof(full), "\\Registry\\Machine%s", path + strlen("HKLM"));
    WCHAR *wide = nt_utf16(full, &chars);
    if (wide == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    name.Buffer = wide;
    name.Length = name.MaximumLength = (USHORT)(chars * sizeof(WCHAR));
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS status = ZwOpenKey(DeviceRegKey, DesiredAccess, &attributes);
    free(wide);
    return status;
}
