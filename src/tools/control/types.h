/**
 * \file
 * The types that driver/vmini_ioctl.h is written in, and the NT status codes: from the Windows SDK
 * where there is one, from the project's own WDK headers elsewhere.
 */
#ifndef CONTROL_TYPES_H
#define CONTROL_TYPES_H

#ifdef _WIN32
#define WIN32_NO_STATUS
#include <windows.h>
#include <winioctl.h>
#undef WIN32_NO_STATUS
#include <winternl.h>
#include <ntstatus.h>
#else
#include <ntdef.h>
#include <ntstatus.h>
#endif

#include <ntddscsi.h>

#include "driver/vmini_ioctl.h"

#endif
