/**
 * \file
 * System threads that can be waited for.
 */
#ifndef VMINI_THREAD_H
#define VMINI_THREAD_H

#include "vmini.h"

/**
 * Starts a system thread and references its thread object.
 * \return STATUS_SUCCESS, or why the thread could not be created.
 * \irql{PASSIVE_LEVEL}
 */
NTSTATUS VminiThreadCreate(_In_ PKSTART_ROUTINE Routine, _In_ PVOID Context,
                           _Outptr_ PKTHREAD *Thread);

/**
 * Waits until a thread that has been told to end *has* ended, and drops the reference.
 *
 * Waiting on an event that the thread sets before it returns would be too early: the driver could
 * be unloaded while the thread still executes its last instructions. The thread object is signalled
 * by the system, after them.
 * \irql{PASSIVE_LEVEL}
 */
VOID VminiThreadWait(_In_ _Post_invalid_ PKTHREAD Thread);

#endif
