/*
 * ntifs.h for the .sys build: mingw's, with PsDereferenceImpersonationToken back as a routine
 * (there it is a macro over ObDereferenceObject, as in Windows 2000), and what is newer than it.
 */
#pragma once

#include_next <ntifs.h>

#undef PsDereferenceImpersonationToken

/* What FileIdInformation returns: the enumerator is there, the structures are not. */
typedef struct _FILE_ID_128 {
    UCHAR Identifier[16];
} FILE_ID_128, *PFILE_ID_128;

typedef struct _FILE_ID_INFORMATION {
    ULONGLONG VolumeSerialNumber;
    FILE_ID_128 FileId;
} FILE_ID_INFORMATION, *PFILE_ID_INFORMATION;
