/**
 * \file
 * Connections and pended service IRPs: the inside of the control interface, private to 02-dispatch.
 *
 * Three kinds of IRP wait here: CONNECT until Storport has asked for the device, DISCONNECT until
 * the file is closed, WAIT_EVENT until something happens. All of them sit in one cancel-safe queue
 * (IO_CSQ), which settles the old question of who completes an IRP that is being cancelled while it
 * is being answered: whoever gets it out of the queue.
 */
#ifndef VMINI_CONNECTION_H
#define VMINI_CONNECTION_H

#include "02-dispatch/service.h"

/** Events that are remembered for those who come late. */
#define VMINI_EVENT_RING 64

/** Room for an NT path: the user's, and a prefix such as \\??\\UNC. */
#define VMINI_NT_PATH_LENGTH (VMINI_PATH_LENGTH + 8)

/** Why an IRP is pended; kept in its DriverContext[0]. */
typedef enum _VMINI_PENDED_KIND {
    VminiPendedAny = 0, /**< Only to ask for: see VminiPendedTake. */
    VminiPendedConnect,
    VminiPendedDisconnect,
    VminiPendedWaitEvent,
} VMINI_PENDED_KIND;

/**
 * One image: from the CONNECT that asks for it to the end of its device. Nonpaged, because INQUIRY
 * at DISPATCH_LEVEL ends its CONNECT. \article{Part III, Figure 4, CONNECTION_LIST_ENTRY}
 */
typedef struct _VMINI_CONNECTION {
    /* Set before it enters the list, read-only afterwards. */
    PVMINI_ADAPTER Adapter;
    ULONG Flags; /**< VMINI_CONNECT_*. */
    /** The registry names it: nobody waits, so what goes wrong is told by an event. */
    BOOLEAN Static;
    VMINI_ADDRESS Address;
    WCHAR UserPath[VMINI_PATH_LENGTH]; /**< As the caller wrote it, terminated. */
    UNICODE_STRING NtPath;             /**< In NtPathBuffer. */
    /** NtPath in upper case: what makes two paths the same. */
    UNICODE_STRING Key;
    WCHAR NtPathBuffer[VMINI_NT_PATH_LENGTH];
    WCHAR KeyBuffer[VMINI_NT_PATH_LENGTH];

    /* The way of the file; belongs to whoever works on the connection at the moment, one after the
     * other. */
    VMINI_WORK_ITEM Work;
    VMINI_MEDIA_OPEN Open;
    SECURITY_CLIENT_CONTEXT Client;
    KEVENT Closed;              /**< Notification event: the file is closed. */
    PVOID PnPNotificationEntry; /**< \article{Part III, Figure 4, PnPNotificationEntry} */

    /* Interlocked. */
    LONG References; /**< 1 for the list, 1 for each IRP in the queue. */
    /** Its CONNECT was cancelled or ended by VminiServiceClose, or it was disconnected, perhaps before
     *  its device arrived. */
    LONG Unwanted;
    /** The volume asked to go. \article{Part III, Figure 4, ContainingMediaRemoved} */
    LONG ContainingMediaRemoved;

    /* Guarded by the service's lock. */
    LIST_ENTRY Link;
    BOOLEAN Arrived;    /**< A device was published for it. */
    BOOLEAN Enumerated; /**< And Storport has asked for it. */
    BOOLEAN Gone;       /**< Its file is closed: nothing more will happen. */
    /** A DISCONNECT has been made for it. There is only one: see VminiDisconnectClaim. */
    BOOLEAN Disconnecting;
    ULONG BlockSize;
    ULONGLONG BlockCount;
} VMINI_CONNECTION, *PVMINI_CONNECTION;

/** The control interface. Nonpaged. */
struct _VMINI_SERVICE {
    PVMINI_ADAPTER Adapter;
    IO_CSQ Csq;
    KEVENT Idle; /**< Notification event: Busy is 0. */

    KSPIN_LOCK Lock;        /**< Guards what follows. */
    LIST_ENTRY Connections; /**< \article{Part III, ConnectionList} */
    LIST_ENTRY Pended;      /**< IRPs. */
    BOOLEAN Closed;         /**< No new request is taken. */
    /** Connections between CONNECT and arrival; pended IRPs until they are completed. */
    LONG Busy;
    ULONGLONG NextSequence;             /**< Of the next event. */
    VMINI_EVENT Ring[VMINI_EVENT_RING]; /**< Event n is at n modulo the size. */
};

/** A command's request, checked. */
typedef struct _VMINI_SERVICE_REQUEST {
    PVMINI_ADAPTER Adapter;
    PIRP Irp;
    PVOID Buffer; /**< METHOD_BUFFERED: input and output share it. */
    ULONG InputLength;
    ULONG OutputLength;
    ULONG_PTR Information; /**< Bytes of the answer. */
} VMINI_SERVICE_REQUEST, *PVMINI_SERVICE_REQUEST;

/**
 * Carries out one command.
 * \return STATUS_PENDING: the IRP was queued and is not to be touched. \irql{PASSIVE_LEVEL}
 */
typedef NTSTATUS VMINI_COMMAND_HANDLER(_Inout_ PVMINI_SERVICE_REQUEST Request);

VMINI_COMMAND_HANDLER VminiCommandConnectHandler;
VMINI_COMMAND_HANDLER VminiCommandDisconnectHandler;
VMINI_COMMAND_HANDLER VminiCommandActiveListHandler;
VMINI_COMMAND_HANDLER VminiCommandWaitEventHandler;

/** Counts what VminiServiceDrain waits for. \irql{<= DISPATCH_LEVEL} \locks{none held} */
VOID VminiServiceBusy(_Inout_ PVMINI_SERVICE Service, _In_ LONG Change);

/**
 * Ends a service IRP. Never IoCompleteRequest: Storport counts them. \irql{<= DISPATCH_LEVEL}
 * \locks{none held}
 */
VOID VminiServiceComplete(_In_ PVMINI_ADAPTER Adapter, _In_ _Post_invalid_ PIRP Irp,
                          _In_ NTSTATUS Status, _In_ ULONG_PTR Information);

/**
 * Queues an IRP, unless the thing that it would wait for has happened already: both are decided
 * under one lock.
 * \param Connection  for CONNECT and DISCONNECT: referenced while the IRP is queued.
 * \param LastSequence  for WAIT_EVENT.
 * \return STATUS_PENDING; STATUS_DELETE_PENDING: the interface is closed, or the connection's end
 *         is already past; STATUS_RETRY: there is an event to be told; STATUS_INVALID_PARAMETER:
 *         LastSequence is no event's yet.
 * \irql{<= DISPATCH_LEVEL} \locks{takes the service's lock}
 */
NTSTATUS VminiPendedQueue(_In_ PVMINI_ADAPTER Adapter, _In_ PIRP Irp, _In_ VMINI_PENDED_KIND Kind,
                          _In_opt_ PVMINI_CONNECTION Connection, _In_ ULONGLONG LastSequence);

/**
 * Takes one IRP out of the queue: the oldest of this kind that waits for this connection.
 * \param Kind  VminiPendedAny: of whatever kind, and for whomever. \param Connection NULL for
 *              WAIT_EVENT.
 * \return the IRP, for VminiPendedComplete; NULL: there is none, it was answered, or it is being
 * cancelled.
 * \irql{<= DISPATCH_LEVEL} \locks{takes the service's lock}
 */
PIRP VminiPendedTake(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_PENDED_KIND Kind,
                     _In_opt_ PVMINI_CONNECTION Connection);

/**
 * Ends an IRP that was taken out of the queue, and gives back what it held: its connection and the
 * service.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiPendedComplete(_In_ PVMINI_ADAPTER Adapter, _In_ _Post_invalid_ PIRP Irp,
                         _In_ NTSTATUS Status, _In_ ULONG_PTR Information);

/**
 * Ends an IRP that was taken out of the queue before what it waits for has happened: what a CONNECT
 * has brought about is undone; a DISCONNECT goes on without an audience.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiPendedGiveUp(_In_ PVMINI_ADAPTER Adapter, _In_ _Post_invalid_ PIRP Irp,
                       _In_ NTSTATUS Status);

/** Sets up the queue. \irql{PASSIVE_LEVEL} */
NTSTATUS VminiPendedInitialize(_Inout_ PVMINI_SERVICE Service);

/** What a connection is made from. */
typedef struct _VMINI_CONNECTION_REQUEST {
    ULONG Flags;
    VMINI_ADDRESS Address; /**< All 0xFF: the first free one. */
    const WCHAR *Path;     /**< VMINI_PATH_LENGTH characters, perhaps not terminated. */
    BOOLEAN Static;
} VMINI_CONNECTION_REQUEST;

/**
 * Makes a connection that is whole, and captures who calls.
 * \return STATUS_SUCCESS, STATUS_INVALID_PARAMETER (unknown flags), a path error, or no memory.
 * \irql{PASSIVE_LEVEL}
 */
NTSTATUS VminiConnectionCreate(_In_ PVMINI_ADAPTER Adapter,
                               _In_ const VMINI_CONNECTION_REQUEST *Request,
                               _Outptr_ PVMINI_CONNECTION *Connection);

/**
 * Sets out to open a connection's file: address, list, the queue Opening.
 * \param Irp  CONNECT, pended until the device is enumerated; NULL: nobody waits.
 * \return STATUS_PENDING: it is on its way, and no longer the caller's; anything else: it was given
 * back.
 * \irql{PASSIVE_LEVEL} \locks{none held}
 */
NTSTATUS VminiConnectionBegin(_In_ PVMINI_CONNECTION Connection, _In_opt_ PIRP Irp);

/** Gives a reference back; the last one frees the record. \irql{<= DISPATCH_LEVEL} */
VOID VminiConnectionDereference(_In_ _Post_invalid_ PVMINI_CONNECTION Connection);

/**
 * Makes the device of a connection depart, if it has arrived and not departed yet.
 * \irql{<= DISPATCH_LEVEL}
 */
VOID VminiConnectionDepart(_In_ PVMINI_CONNECTION Connection);

/**
 * Takes a connection out of the list for good. \irql{<= DISPATCH_LEVEL}
 * \locks{takes the service's lock}
 */
VOID VminiConnectionRemove(_In_ PVMINI_CONNECTION Connection);

/**
 * Tells an event to all who wait, and remembers it.
 * \param Path VMINI_PATH_LENGTH characters. \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiEventPost(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_EVENT_KIND Kind,
                    _In_ VMINI_ADDRESS Address, _In_reads_(VMINI_PATH_LENGTH) const WCHAR *Path,
                    _In_ NTSTATUS Status);

/** A static device could not be connected: an event, and a trace line. \irql{<= DISPATCH_LEVEL} */
VOID VminiStaticFailed(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address,
                       _In_reads_(VMINI_PATH_LENGTH) const WCHAR *Path, _In_ NTSTATUS Status);

/** Is there an event after LastSequence? \locks{service's lock held} */
BOOLEAN VminiEventIsNewer(_In_ const VMINI_SERVICE *Service, _In_ ULONGLONG LastSequence);

/**
 * Turns a caller's path into an NT path and its key.
 *
 *     C:\images\a.img        \??\C:\images\a.img
 *     \\server\share\a.img   \??\UNC\server\share\a.img
 *     \\?\C:\a.img           \??\C:\a.img
 *     \??\... \Device\...    as it is
 *
 * \param Source  VMINI_PATH_LENGTH characters, perhaps not terminated.
 * \return STATUS_SUCCESS, STATUS_OBJECT_NAME_INVALID (empty, or relative), STATUS_NAME_TOO_LONG
 * (not terminated).
 * \irql{PASSIVE_LEVEL}
 */
NTSTATUS VminiPathResolve(_In_reads_(VMINI_PATH_LENGTH) const WCHAR *Source,
                          _Inout_ PVMINI_CONNECTION Connection);

/**
 * Asks to be told when the volume under the image wants to go. One that Plug and Play does not know
 * is not watched.
 * \return STATUS_SUCCESS; STATUS_INSUFFICIENT_RESOURCES. \irql{PASSIVE_LEVEL}
 */
NTSTATUS VminiVolumeWatch(_Inout_ PVMINI_CONNECTION Connection);

/** No longer; waits for a notification that is being delivered. \irql{PASSIVE_LEVEL} */
VOID VminiVolumeUnwatch(_Inout_ PVMINI_CONNECTION Connection);

#endif
