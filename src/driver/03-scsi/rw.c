/**
 * \file
 * READ and WRITE, in all their forms: from a CDB to a work item.
 *
 * Runs in HwStartIo, perhaps at DISPATCH_LEVEL, where a file system cannot be called: this only
 * checks and describes what is to be done. The data are never touched here. Storport maps no buffer
 * for these commands; the MDL goes down to the file system, which moves the bytes itself.
 *
 *     READ(10) 28h, WRITE(10) 2Ah (SBC-3 5.11, 5.33); (12) and (16) alike, see blocks.c
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------+-----+-----+-----+-----+-----+
 *      1 | RD/WRPROTECT: 0 | DPO | FUA |RARC |  0  |  0  |   (6) has none of these
 *        +-----------------+-----+-----+-----+-----+-----+
 *
 * DPO is a hint for a cache that is not ours, and changes nothing. FUA on a write: the data are on
 * the medium before the command ends, not only in a cache. So the worker flushes the image after the
 * write, and the command is GOOD only if the flush was. On a read it asks for the medium's data;
 * the file system's cache is the only way to them, and never stale.
 */
#include "03-scsi/commands.h"

/**
 * Finds the SRB's data in its MDL.
 *
 * The MDL may describe more than this SRB transfers, and begin before it: a class driver splits a
 * long request into several SRBs that share the caller's MDL. The SRB's data pointer is then an
 * address within the MDL: a place in somebody's address space, to be compared, never to be
 * followed.
 * \return FALSE when the MDL does not hold the data. \irql{<= DISPATCH_LEVEL}
 */
static BOOLEAN VminiRwLocate(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG Length)
{
    PVMINI_WORK_ITEM Work = &Request->Work;
    PVOID Mdl = NULL;
    ULONG_PTR Skipped;

    if (StorPortGetOriginalMdl(Request->Adapter, Request->Srb, &Mdl) != STOR_STATUS_SUCCESS ||
        Mdl == NULL) {
        return FALSE;
    }
    Work->Mdl = (PMDL)Mdl;
    Work->Va = SrbGetDataBuffer(Request->Srb);
    if (Work->Va == NULL) {
        Work->Va = MmGetMdlVirtualAddress(Work->Mdl);
    }
    /* An address below the MDL's first byte wraps round to a huge number of skipped bytes. */
    Skipped = (ULONG_PTR)Work->Va - (ULONG_PTR)MmGetMdlVirtualAddress(Work->Mdl);
    return Skipped <= MmGetMdlByteCount(Work->Mdl) &&
           Length <= MmGetMdlByteCount(Work->Mdl) - Skipped;
}

/** READ or WRITE. \irql{<= DISPATCH_LEVEL} \article{Part III, OsrUserReadData}
 *  \article{Part III, OsrUserWriteData} */
static UCHAR VminiRwStart(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ VMINI_WORK_COMMAND Command)
{
    VMINI_EXTENT Extent;
    ULONG Length;
    UCHAR SrbStatus = VminiBlocksAccess(Request, &Extent);

    if (SrbStatus != SRB_STATUS_SUCCESS || Extent.Blocks == 0) {
        return SrbStatus; /* No blocks: no error, and no reason to touch the file (SBC-3 5.11). */
    }
    Length = VminiBlocksBytes(Request->Unit, &Extent);
    SrbStatus = VminiBlocksCheckTransfer(Request, Length);
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    if (!VminiRwLocate(Request, Length)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_TARGET_FAILURE); /* The port's mistake. */
    }
    if (Command == VminiDoWrite) {
        VminiBlocksForceUnitAccess(Request);
    }
    return VminiBlocksQueue(Request, Command, &Extent);
}

/** READ(6), (10), (12) and (16). */
_Use_decl_annotations_ UCHAR VminiScsiRead(PVMINI_SCSI_REQUEST Request)
{
    return VminiRwStart(Request, VminiDoRead);
}

/** WRITE(6), (10), (12) and (16). */
_Use_decl_annotations_ UCHAR VminiScsiWrite(PVMINI_SCSI_REQUEST Request)
{
    return VminiRwStart(Request, VminiDoWrite);
}
