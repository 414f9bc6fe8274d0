/**
 * \file
 * SRB_FUNCTION_PNP and SRB_FUNCTION_POWER: what Plug and Play and the power manager want from a
 * unit.
 */
#include "02-dispatch/functions.h"

/** What a PnP SRB asks, whichever form it has. */
typedef struct _VMINI_PNP_REQUEST {
    STOR_PNP_ACTION Action;
    /** SRB_PNP_FLAGS_ADAPTER_REQUEST: about the adapter, the address means nothing. */
    ULONG Flags;
} VMINI_PNP_REQUEST;

/** Reads the PnP part of a legacy or extended SRB. \irql{any} */
static BOOLEAN VminiPnpRead(_In_ PSCSI_REQUEST_BLOCK Srb, _Out_ VMINI_PNP_REQUEST *Request)
{
    if (Srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK) {
        PSRBEX_DATA_PNP Pnp =
            (PSRBEX_DATA_PNP)SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypePnP);
        if (Pnp == NULL) {
            return FALSE;
        }
        Request->Action = Pnp->PnPAction;
        Request->Flags = Pnp->SrbPnPFlags;
        return TRUE;
    }
    Request->Action = ((PSCSI_PNP_REQUEST_BLOCK)Srb)->PnPAction;
    Request->Flags = ((PSCSI_PNP_REQUEST_BLOCK)Srb)->SrbPnPFlags;
    return TRUE;
}

/**
 * Answers StorQueryCapabilities in either size: 24 bytes (STOR_DEVICE_CAPABILITIES_EX, what our
 * feature flag asks for) or 8 (an older Storport). The length decides, and is checked before a byte
 * is written.
 *
 * Removable must agree with the RMB bit of INQUIRY. SurpriseRemovalOK stays off on purpose: with it
 * Windows would take a device away without the QUERY_REMOVE that lets its file system flush.
 * \irql{<= DISPATCH_LEVEL}
 */
static UCHAR VminiPnpQueryCapabilities(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ BOOLEAN Removable)
{
    PVOID Buffer = SrbGetDataBuffer(Srb);
    ULONG Length = SrbGetDataTransferLength(Srb);

    if (Buffer != NULL && Length >= sizeof(STOR_DEVICE_CAPABILITIES_EX)) {
        PSTOR_DEVICE_CAPABILITIES_EX Full = Buffer;
        RtlZeroMemory(Full, sizeof(*Full));
        Full->Version = STOR_DEVICE_CAPABILITIES_EX_VERSION_1;
        Full->Size = sizeof(*Full);
        Full->Removable = Removable != FALSE;
        Full->LockSupported = Removable != FALSE;
        Full->EjectSupported = Removable != FALSE;
        Full->UniqueID = TRUE; /* VPD 80h and 83h do not depend on the address. */
        Full->SilentInstall = TRUE;
        Full->DefaultWriteCacheEnabled = TRUE;
        Full->Address = MAXULONG; /* Unknown to the bus; the port knows it. */
        Full->UINumber = MAXULONG;
        SrbSetDataTransferLength(Srb, sizeof(*Full));
        return SRB_STATUS_SUCCESS;
    }
    if (Buffer != NULL && Length >= sizeof(STOR_DEVICE_CAPABILITIES)) {
        PSTOR_DEVICE_CAPABILITIES Short = Buffer;
        RtlZeroMemory(Short, sizeof(*Short));
        Short->Version = 1;
        Short->Removable = Removable != FALSE;
        Short->LockSupported = Removable != FALSE;
        Short->EjectSupported = Removable != FALSE;
        Short->UniqueID = TRUE;
        Short->SilentInstall = TRUE;
        SrbSetDataTransferLength(Srb, sizeof(*Short));
        return SRB_STATUS_SUCCESS;
    }
    return SRB_STATUS_INVALID_REQUEST;
}

/**
 * Handles a PnP SRB.
 *
 * StorRemoveDevice and StorStopDevice need nothing from us: see VminiHwUnitControl for why a
 * removed unit stays connected. An action that we do not know fails, as the contract wants.
 */
_Use_decl_annotations_ UCHAR VminiSrbPnp(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    VMINI_PNP_REQUEST Request;
    PVMINI_DEVICE Device;
    BOOLEAN Removable;

    if (!VminiPnpRead(Srb, &Request)) {
        return SRB_STATUS_INVALID_REQUEST;
    }
    VminiTrace(Adapter, TRACE_LEVEL_INFORMATION, VMINI_TRACE_PNP, L"PnP", L"action",
               (ULONG)Request.Action, L"flags", Request.Flags);
    if ((Request.Flags & SRB_PNP_FLAGS_ADAPTER_REQUEST) != 0) {
        return Request.Action == StorQueryCapabilities ? VminiPnpQueryCapabilities(Srb, FALSE)
                                                       : SRB_STATUS_INVALID_REQUEST;
    }
    Device = VminiBusFind(Adapter, VminiSrbAddress(Srb));
    if (Device == NULL) {
        return SRB_STATUS_NO_DEVICE;
    }
    Removable = Device->Unit.Removable;
    VminiBusDereference(Adapter, Device);
    switch (Request.Action) {
    case StorQueryCapabilities:
        return VminiPnpQueryCapabilities(Srb, Removable);
    case StorStartDevice:
    case StorStopDevice:
    case StorRemoveDevice:
    case StorSurpriseRemoval:
        return SRB_STATUS_SUCCESS;
    default:
        return SRB_STATUS_INVALID_REQUEST;
    }
}

/**
 * A power transition. Before a unit loses power the class driver sends SYNCHRONIZE CACHE and START
 * STOP UNIT, and the adapter gets ScsiStopAdapter: by now there is nothing left to save.
 */
_Use_decl_annotations_ UCHAR VminiSrbPower(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    return SRB_STATUS_SUCCESS;
}
