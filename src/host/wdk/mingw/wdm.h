/*
 * wdm.h for the .sys build: mingw-w64's DDK with what a Windows 10 driver needs and it lacks or has
 * wrong. Every route (ntifs.h, ntddk.h, storport.h) comes through here. Where the native headers
 * have an inline that mingw words differently, both builds end up importing the same routines, so
 * that a .so and a .sys of one source run through the same calls; tests/abi compares the two import
 * lists. Never copy a declaration from mingw here: rename, include, repair.
 */
#pragma once

/* Windows 10 1709, before anything asks for the version. */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#ifndef NTDDI_VERSION
#define NTDDI_VERSION 0x0A000004
#endif

/* mingw's inlines touch CR8 and GS directly; a driver for the simulated Windows must ask it. */
#define KeGetCurrentIrql      MingwKeGetCurrentIrql
#define KeLowerIrql           MingwKeLowerIrql
#define KfRaiseIrql           MingwKfRaiseIrql
#define KeRaiseIrqlToDpcLevel MingwKeRaiseIrqlToDpcLevel
#define KeGetCurrentThread    MingwKeGetCurrentThread
#define PsGetCurrentThread    MingwPsGetCurrentThread

/* Its list operations do not check the links. */
#define InitializeListHead MingwInitializeListHead
#define IsListEmpty        MingwIsListEmpty
#define RemoveEntryList    MingwRemoveEntryList
#define RemoveHeadList     MingwRemoveHeadList
#define RemoveTailList     MingwRemoveTailList
#define InsertTailList     MingwInsertTailList
#define InsertHeadList     MingwInsertHeadList
#define AppendTailList     MingwAppendTailList
#define PushEntryList      MingwPushEntryList
#define PopEntryList       MingwPopEntryList

/* Its object types have one indirection too many: dllimport of a pointer to the kernel variable. */
#define IoFileObjectType  MingwIoFileObjectType
#define PsThreadType      MingwPsThreadType
#define ExEventObjectType MingwExEventObjectType

#include <sal.h>
#include_next <wdm.h>
#include <bugcodes.h>

/* Its own is external, and so could not call a static function. */
#undef FORCEINLINE
#define FORCEINLINE static inline __attribute__((always_inline, unused))

#undef KeGetCurrentIrql
#undef KeLowerIrql
#undef KfRaiseIrql
#undef KeRaiseIrqlToDpcLevel
#undef KeGetCurrentThread
#undef PsGetCurrentThread
#undef InitializeListHead
#undef IsListEmpty
#undef RemoveEntryList
#undef RemoveHeadList
#undef RemoveTailList
#undef InsertTailList
#undef InsertHeadList
#undef AppendTailList
#undef PushEntryList
#undef PopEntryList
#undef IoFileObjectType
#undef PsThreadType
#undef ExEventObjectType

/* ---- IRQL, thread, time: by import. */
NTKERNELAPI KIRQL NTAPI KeGetCurrentIrql(VOID);
NTKERNELAPI KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql);
NTKERNELAPI KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID);
NTKERNELAPI VOID NTAPI KeLowerIrql(KIRQL NewIrql);
NTKERNELAPI PKTHREAD NTAPI KeGetCurrentThread(VOID);
#define PsGetCurrentThread() ((PETHREAD)KeGetCurrentThread())

NTKERNELAPI VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);
#undef KeQuerySystemTime
#undef KeQueryInterruptTime
#undef KeQueryTickCount
#define KeQuerySystemTime(CurrentTime) KeQuerySystemTimePrecise(CurrentTime)
#define KeQueryInterruptTime()         KeQueryUnbiasedInterruptTime()
#define KeQueryTickCount(TickCount)                                                                \
    ((TickCount)->QuadPart = (LONGLONG)(KeQueryUnbiasedInterruptTime() / KeQueryTimeIncrement()))

/* ---- Object types: the import table's slot holds the address of the kernel's variable. */
extern POBJECT_TYPE *__imp_IoFileObjectType;
extern POBJECT_TYPE *__imp_PsThreadType;
extern POBJECT_TYPE *__imp_ExEventObjectType;
#define IoFileObjectType  __imp_IoFileObjectType
#define PsThreadType      __imp_PsThreadType
#define ExEventObjectType __imp_ExEventObjectType

/* ---- Assertions end in RtlAssert instead of interrupt 2Ch. */
#undef NT_ASSERT
#undef NT_ASSERTMSG
#undef NT_VERIFY
#undef PAGED_CODE
#define NT_ASSERT(e)          ASSERT(e)
#define NT_ASSERTMSG(text, e) ASSERTMSG(text, e)
#if DBG
#define NT_VERIFY(e) ((e) ? TRUE : (RtlAssert((PVOID) #e, (PVOID)__FILE__, __LINE__, NULL), FALSE))
#define PAGED_CODE() ASSERT(KeGetCurrentIrql() <= APC_LEVEL)
#else
#define NT_VERIFY(e) ((e) ? TRUE : FALSE)
#define PAGED_CODE() ((void)0)
#endif

/* ---- An offset is a LONG, as in the WDK, not a size_t. */
#undef FIELD_OFFSET
#define FIELD_OFFSET(type, field) ((LONG) __builtin_offsetof(type, field))

/* ---- Constants newer than mingw's DDK. */
#define STATUS_DEVICE_FEATURE_NOT_SUPPORTED ((NTSTATUS)0xC0000463)
#define STATUS_DEVICE_UNREACHABLE           ((NTSTATUS)0xC0000464)
#define STATUS_INVALID_TOKEN                ((NTSTATUS)0xC0000465)
#define STATUS_OPERATION_IN_PROGRESS        ((NTSTATUS)0xC0000476)
#define KERNEL_SECURITY_CHECK_FAILURE       ((ULONG)0x139)
#define FAST_FAIL_CORRUPT_LIST_ENTRY        3
#define MdlMappingNoWrite                   0x80000000
#define MdlMappingNoExecute                 0x40000000

/* ---- Role types of cancel-safe queues. */
typedef VOID NTAPI IO_CSQ_INSERT_IRP(PIO_CSQ Csq, PIRP Irp);
typedef NTSTATUS NTAPI IO_CSQ_INSERT_IRP_EX(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext);
typedef VOID NTAPI IO_CSQ_REMOVE_IRP(PIO_CSQ Csq, PIRP Irp);
typedef PIRP NTAPI IO_CSQ_PEEK_NEXT_IRP(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext);
typedef VOID NTAPI IO_CSQ_ACQUIRE_LOCK(PIO_CSQ Csq, PKIRQL Irql);
typedef VOID NTAPI IO_CSQ_RELEASE_LOCK(PIO_CSQ Csq, KIRQL Irql);
typedef VOID NTAPI IO_CSQ_COMPLETE_CANCELED_IRP(PIO_CSQ Csq, PIRP Irp);

/* ---- Barriers, and lists with the checks of Windows 8 and later. */
#include "../nt/wdm_order.h"
#include "../nt/wdm_list.h"
