/*
 * The object manager as drivers see it: ObReferenceObject and its kin, ZwClose, and the exported
 * object types. The objects themselves are in object.c; a driver's POBJECT_TYPE is the host's
 * struct nt_object_type.
 */
#include "nt/nt.h"

#define OBJECT_TYPE_OF(type) ((POBJECT_TYPE)(void *)(uintptr_t) & (type))

static POBJECT_TYPE thread_type = OBJECT_TYPE_OF(nt_thread_type);
static POBJECT_TYPE file_type = OBJECT_TYPE_OF(nt_file_type);
static POBJECT_TYPE event_type = OBJECT_TYPE_OF(nt_event_type);
POBJECT_TYPE *PsThreadType = &thread_type;
POBJECT_TYPE *IoFileObjectType = &file_type;
POBJECT_TYPE *ExEventObjectType = &event_type;

/** In kernel mode a handle grants everything; in user mode what it was opened for. */
static bool access_granted(KPROCESSOR_MODE mode, ACCESS_MASK desired, ACCESS_MASK granted)
{
    return mode == KernelMode || (desired & ~granted) == 0;
}

/** \irql{PASSIVE_LEVEL} (WDK: ObReferenceObjectByHandle) */
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object, POBJECT_HANDLE_INFORMATION Information)
{
    const struct nt_object_type *type = (const struct nt_object_type *)ObjectType;
    ACCESS_MASK granted = 0;
    NTSTATUS status;
    void *body;

    NT_ROUTINE(PASSIVE_LEVEL);
    *Object = NULL;
    if (Handle == NULL && AccessMode == KernelMode) {
        verifier_bugcheck(RULE_HANDLE_NULL, 0, (uint64_t)type, 0, "The handle is NULL.");
    }
    body = nt_handle_lookup(Handle, type, &granted, &status);
    if (body == NULL) {
        if (status == STATUS_INVALID_HANDLE && AccessMode == KernelMode && verifier_enabled()) {
            verifier_bugcheck(RULE_HANDLE_BAD, (uint64_t)Handle, (uint64_t)type, 0,
                              "Handle 0x%llX is not open.", (unsigned long long)(uintptr_t)Handle);
        }
        return status;
    }
    if (!access_granted(AccessMode, DesiredAccess, granted)) {
        nt_object_dereference(body);
        return STATUS_ACCESS_DENIED;
    }
    if (Information != NULL) {
        Information->HandleAttributes = 0;
        Information->GrantedAccess = granted;
    }
    *Object = body;
    return STATUS_SUCCESS;
}

/** \irql{<= DISPATCH_LEVEL} (WDK: ObReferenceObjectByPointer) */
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(DesiredAccess); /* There is no handle that could have less. */
    UNREFERENCED_PARAMETER(AccessMode);
    if (ObjectType != NULL && (const void *)ObjectType != nt_object_type_of(Object)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    nt_object_reference(Object);
    return STATUS_SUCCESS;
}

/** \irql{<= DISPATCH_LEVEL} (WDK: ObReferenceObject) */
LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    nt_object_reference(Object);
    return 1; /* For debugging only, says the WDK: no caller may rely on the count. */
}

/** \irql{<= DISPATCH_LEVEL} (WDK: ObDereferenceObject) */
LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    nt_object_dereference(Object);
    return 1;
}

/** \irql{<= DISPATCH_LEVEL} (WDK: ObDereferenceObjectDeferDelete) */
VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    nt_object_dereference(Object);
}

/** \irql{PASSIVE_LEVEL} (WDK: ObOpenObjectByPointer) */
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     struct _ACCESS_STATE *PassedAccessState,
                                     ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                     KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    UNREFERENCED_PARAMETER(HandleAttributes);
    UNREFERENCED_PARAMETER(PassedAccessState);
    UNREFERENCED_PARAMETER(AccessMode);
    *Handle = NULL;
    if (ObjectType != NULL && (const void *)ObjectType != nt_object_type_of(Object)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    *Handle = nt_handle_create(Object, DesiredAccess);
    return *Handle == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

/** \irql{PASSIVE_LEVEL} (WDK: ZwClose) */
NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    NTSTATUS status;

    NT_ROUTINE(PASSIVE_LEVEL);
    status = nt_handle_close(Handle);
    if (!NT_SUCCESS(status)) {
        verifier_bugcheck_at(RULE_HANDLE_CLOSE, (uint64_t)Handle, 1, 0, 0,
                             "Handle 0x%llX is not open.", (unsigned long long)(uintptr_t)Handle);
    }
    return status;
}
