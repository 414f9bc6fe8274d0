/**
 * \file
 * REPORT SUPPORTED OPERATION CODES and REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS: what a unit can
 * do, read from the very table that does it.
 *
 *     CDB A3h/0Ch (SPC-4 6.35)               A3h/0Dh (SPC-4 6.36)
 *     2    RCTD (bit 7), options (2..0)      2    REPD (bit 7)
 *     3    requested operation code
 *     4-5  requested service action
 *     6-9  allocation length                 6-9  allocation length
 *
 *     options 000b: all commands             001b: one, which has no service actions
 *             010b: one, which has           011b: one, whether it has or not
 *
 * The list of all is longer than VMINI_REPLY holds; it is written into the initiator's buffer
 * descriptor by descriptor, as REPORT LUNS does it.
 */
#include "03-scsi/commands.h"

/* Byte 2 of the CDB. */
#define VMINI_RCTD             0x80 /**< Timeouts are wanted, too. */
#define VMINI_REPD             0x80 /**< The long form is wanted. */
#define VMINI_REPORT_ALL       0
#define VMINI_REPORT_PLAIN     1
#define VMINI_REPORT_SERVICE   2
#define VMINI_REPORT_WHICHEVER 3

/**
 * One command of the list (SPC-4 6.35.2).
 *
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------------------------------------+
 *      0 |  operation code                               |
 *    2-3 |  service action                               |
 *      5 |  0                          |CTDP |SERVACTV   |   timeouts follow; has service actions
 *    6-7 |  CDB length                                   |
 *        +-----------------------------------------------+
 */
typedef struct _VMINI_OPCODE_DESCRIPTOR {
    UCHAR OperationCode;
    UCHAR Reserved1;
    UCHAR ServiceAction[2];
    UCHAR Reserved2;
    UCHAR Flags;
    UCHAR CdbLength[2];
} VMINI_OPCODE_DESCRIPTOR;

#define VMINI_OPCODE_CTDP     0x02
#define VMINI_OPCODE_SERVACTV 0x01

/** What precedes the usage map of one command (SPC-4 6.35.3). */
typedef struct _VMINI_OPCODE_SUPPORT {
    UCHAR Reserved;
    UCHAR Support; /**< CTDP (bit 7), SUPPORT (2..0). */
    UCHAR CdbLength[2];
} VMINI_OPCODE_SUPPORT;

#define VMINI_SUPPORT_CTDP     0x80
#define VMINI_SUPPORT_NONE     0x01 /**< There is no such command. */
#define VMINI_SUPPORT_STANDARD 0x03 /**< There is, and it does what its standard says. */

/** How long a command takes (SPC-4 6.35.4): a file is as fast as it is, so nothing is promised. */
typedef struct _VMINI_COMMAND_TIMEOUTS {
    UCHAR Length[2]; /**< The bytes after this field. */
    UCHAR Reserved;
    UCHAR CommandSpecific;
    UCHAR Nominal[4];     /**< Seconds; 0: not said. */
    UCHAR Recommended[4]; /**< Seconds; 0: not said. */
} VMINI_COMMAND_TIMEOUTS;

_Static_assert(sizeof(VMINI_OPCODE_DESCRIPTOR) == 8, "SPC-4 6.35.2");
_Static_assert(sizeof(VMINI_OPCODE_SUPPORT) == 4, "SPC-4 6.35.3");
_Static_assert(sizeof(VMINI_COMMAND_TIMEOUTS) == 12, "SPC-4 6.35.4");

static const VMINI_COMMAND_TIMEOUTS VminiNoTimeouts = {
    .Length = {0, sizeof(VMINI_COMMAND_TIMEOUTS) - RTL_FIELD_SIZE(VMINI_COMMAND_TIMEOUTS, Length)}};

/** Has this unit the command of a row? */
static BOOLEAN VminiOpcodeHas(_In_ const VMINI_SCSI_REQUEST *Request,
                              _In_ const VMINI_SCSI_COMMAND *Command)
{
    return (Command->Devices & VminiUnitDevices(Request->Unit)) != 0;
}

/** Describes one row. \return bytes of the descriptor. */
static ULONG VminiOpcodeDescribe(_In_ const VMINI_SCSI_COMMAND *Command, _In_ BOOLEAN Timeouts,
                                 _Out_ VMINI_OPCODE_DESCRIPTOR *Descriptor)
{
    RtlZeroMemory(Descriptor, sizeof(*Descriptor));
    Descriptor->OperationCode = Command->OperationCode;
    if (Command->ServiceAction != VMINI_NO_SERVICE_ACTION) {
        VminiWriteBe16(Descriptor->ServiceAction, Command->ServiceAction);
        Descriptor->Flags |= VMINI_OPCODE_SERVACTV;
    }
    if (Timeouts) {
        Descriptor->Flags |= VMINI_OPCODE_CTDP;
    }
    VminiWriteBe16(Descriptor->CdbLength, Command->CdbLength);
    return (ULONG)sizeof(*Descriptor) + (Timeouts ? (ULONG)sizeof(VminiNoTimeouts) : 0);
}

/** Writes the list: every row that the unit has, in the order of the table.
 *  \return bytes that the initiator got. \irql{<= DISPATCH_LEVEL} */
static ULONG VminiOpcodesWrite(_In_ const VMINI_SCSI_REQUEST *Request,
                               _In_ const VMINI_WINDOW *Window, _In_ BOOLEAN Timeouts)
{
    UCHAR Length[4];
    ULONG End = sizeof(Length);
    ULONG Moved = 0;
    ULONG Row;

    for (Row = 0; Row < VminiScsiCommandCount; Row++) {
        VMINI_OPCODE_DESCRIPTOR Descriptor;
        ULONG Bytes;

        if (!VminiOpcodeHas(Request, &VminiScsiCommands[Row])) {
            continue;
        }
        Bytes = VminiOpcodeDescribe(&VminiScsiCommands[Row], Timeouts, &Descriptor);
        Moved = VminiTransferPut(Window, End, &Descriptor, sizeof(Descriptor));
        if (Timeouts) {
            Moved = VminiTransferPut(Window, End + (ULONG)sizeof(Descriptor), &VminiNoTimeouts,
                                     sizeof(VminiNoTimeouts));
        }
        End += Bytes;
    }
    VminiWriteBe32(Length, End - (ULONG)sizeof(Length));
    (VOID) VminiTransferPut(Window, 0, Length, sizeof(Length));
    return Moved;
}

/** All commands. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiOpcodesAll(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ BOOLEAN Timeouts)
{
    VMINI_WINDOW Window;
    UCHAR SrbStatus =
        VminiTransferOpen(Request->Adapter, Request->Srb, VminiReadBe32(&Request->Cdb[6]), &Window);

    if (SrbStatus == SRB_STATUS_SUCCESS) {
        Request->Moved = VminiOpcodesWrite(Request, &Window, Timeouts);
    }
    return SrbStatus;
}

/**
 * Finds the command that is asked for.
 * \param Wanted     receives its row; NULL: the unit has none.
 * \param HasActions receives whether its operation code has service actions.
 */
static VOID VminiOpcodeFind(_In_ const VMINI_SCSI_REQUEST *Request,
                            _Outptr_result_maybenull_ const VMINI_SCSI_COMMAND **Wanted,
                            _Out_ PBOOLEAN HasActions)
{
    USHORT ServiceAction = VminiReadBe16(&Request->Cdb[4]);
    ULONG Row;

    *Wanted = NULL;
    *HasActions = FALSE;
    for (Row = 0; Row < VminiScsiCommandCount; Row++) {
        const VMINI_SCSI_COMMAND *Command = &VminiScsiCommands[Row];

        if (Command->OperationCode != Request->Cdb[3] || !VminiOpcodeHas(Request, Command)) {
            continue;
        }
        *HasActions = Command->ServiceAction != VMINI_NO_SERVICE_ACTION;
        if (!*HasActions || Command->ServiceAction == ServiceAction) {
            *Wanted = Command;
        }
    }
}

/** Puts support, CDB length, usage map and timeouts together. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiOpcodeReply(_Inout_ PVMINI_SCSI_REQUEST Request,
                              _In_opt_ const VMINI_SCSI_COMMAND *Command, _In_ BOOLEAN Timeouts)
{
    VMINI_OPCODE_SUPPORT *Support;
    PUCHAR Usage;

    VminiTransferBegin(&Request->Reply);
    Support = VminiTransferAppend(&Request->Reply, sizeof(*Support));
    Support->Support = VMINI_SUPPORT_NONE;
    if (Command != NULL) {
        Support->Support = VMINI_SUPPORT_STANDARD;
        VminiWriteBe16(Support->CdbLength, Command->CdbLength);
        Usage = VminiTransferAppend(&Request->Reply, Command->CdbLength);
        RtlCopyMemory(Usage, Command->Usage, Command->CdbLength);
        Usage[0] = Command->OperationCode;
        if (Timeouts) {
            Support->Support |= VMINI_SUPPORT_CTDP;
            RtlCopyMemory(VminiTransferAppend(&Request->Reply, sizeof(VminiNoTimeouts)),
                          &VminiNoTimeouts, sizeof(VminiNoTimeouts));
        }
    }
    return VminiScsiReply(Request, VminiReadBe32(&Request->Cdb[6]));
}

/** REPORT SUPPORTED OPERATION CODES. To ask for a command with service actions as if it had none,
 *  or the other way round, is an error (SPC-4 6.35.1), and the field that is wrong is the option. */
_Use_decl_annotations_ UCHAR VminiScsiReportOpcodes(PVMINI_SCSI_REQUEST Request)
{
    UCHAR Option = Request->Cdb[2] & 7;
    BOOLEAN Timeouts = (Request->Cdb[2] & VMINI_RCTD) != 0;
    const VMINI_SCSI_COMMAND *Command;
    BOOLEAN HasActions;

    if (Option == VMINI_REPORT_ALL) {
        return VminiOpcodesAll(Request, Timeouts);
    }
    VminiOpcodeFind(Request, &Command, &HasActions);
    if (Option > VMINI_REPORT_WHICHEVER || (Option == VMINI_REPORT_PLAIN && HasActions) ||
        (Option == VMINI_REPORT_SERVICE && Command != NULL && !HasActions)) {
        return VminiSenseFailCdbField(Request->Srb, 2, 2);
    }
    return VminiOpcodeReply(Request, Command, Timeouts);
}

/* Byte 0 of the answer: a bit for each function. */
#define VMINI_TMF_LOGICAL_UNIT_RESET 0x08
#define VMINI_TMF_TARGET_RESET       0x02 /**< Obsolete since SAM-4, and still what Storport sends. */

#define VMINI_TMF_SHORT 4
#define VMINI_TMF_LONG  16
/** Byte 3 of the long form: the bytes after this one. */
#define VMINI_TMF_LENGTH_BYTE 3

/**
 * REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS: those that reach the driver as SRBs, the rungs of
 * Storport's reset ladder (02-dispatch/reset.c). A single task cannot be aborted. The long form adds
 * timeouts, all 0: not said.
 */
_Use_decl_annotations_ UCHAR VminiScsiReportTaskManagement(PVMINI_SCSI_REQUEST Request)
{
    BOOLEAN Long = (Request->Cdb[2] & VMINI_REPD) != 0;
    PUCHAR At;

    VminiTransferBegin(&Request->Reply);
    At = VminiTransferAppend(&Request->Reply, Long ? VMINI_TMF_LONG : VMINI_TMF_SHORT);
    At[0] = VMINI_TMF_LOGICAL_UNIT_RESET | VMINI_TMF_TARGET_RESET;
    At[VMINI_TMF_LENGTH_BYTE] = Long ? VMINI_TMF_LONG - VMINI_TMF_SHORT : 0;
    return VminiScsiReply(Request, VminiReadBe32(&Request->Cdb[6]));
}
