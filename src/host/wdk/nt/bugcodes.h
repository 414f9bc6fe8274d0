/*
 * Bugcheck codes: the first argument of KeBugCheckEx. Only those that a driver of this kind can
 * cause, or that the host's verifier raises in Windows' name; a leaf header.
 */
#pragma once

#define IRQL_NOT_LESS_OR_EQUAL                                   0x0000000Au
#define MAXIMUM_WAIT_OBJECTS_EXCEEDED                            0x0000000Cu
#define MUTEX_LEVEL_NUMBER_VIOLATION                             0x0000000Du
#define SPIN_LOCK_ALREADY_OWNED                                  0x0000000Fu
#define SPIN_LOCK_NOT_OWNED                                      0x00000010u
#define REFERENCE_BY_POINTER                                     0x00000018u
#define BAD_POOL_HEADER                                          0x00000019u
#define MEMORY_MANAGEMENT                                        0x0000001Au
#define KMODE_EXCEPTION_NOT_HANDLED                              0x0000001Eu
#define KERNEL_APC_PENDING_DURING_EXIT                           0x00000020u
#define NO_MORE_IRP_STACK_LOCATIONS                              0x00000035u
#define NO_MORE_SYSTEM_PTES                                      0x0000003Fu
#define TARGET_MDL_TOO_SMALL                                     0x00000040u
#define MULTIPLE_IRP_COMPLETE_REQUESTS                           0x00000044u
#define CANCEL_STATE_IN_COMPLETED_IRP                            0x00000048u
#define PAGE_FAULT_WITH_INTERRUPTS_OFF                           0x00000049u
#define IRQL_GT_ZERO_AT_SYSTEM_SERVICE                           0x0000004Au
#define PFN_LIST_CORRUPT                                         0x0000004Eu
#define PAGE_FAULT_IN_NONPAGED_AREA                              0x00000050u
#define PROCESS_HAS_LOCKED_PAGES                                 0x00000076u
#define KERNEL_STACK_INPAGE_ERROR                                0x00000077u
#define SYSTEM_THREAD_EXCEPTION_NOT_HANDLED                      0x0000007Eu
#define UNEXPECTED_KERNEL_MODE_TRAP                              0x0000007Fu
#define KERNEL_MODE_EXCEPTION_NOT_HANDLED                        0x0000008Eu
#define INVALID_KERNEL_HANDLE                                    0x00000093u
#define DRIVER_POWER_STATE_FAILURE                               0x0000009Fu
#define ATTEMPTED_SWITCH_FROM_DPC                                0x000000B8u
#define SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION                  0x000000C1u
#define BAD_POOL_CALLER                                          0x000000C2u
#define DRIVER_VERIFIER_DETECTED_VIOLATION                       0x000000C4u
#define DRIVER_CORRUPTED_EXPOOL                                  0x000000C5u
#define IRQL_UNEXPECTED_VALUE                                    0x000000C8u
#define DRIVER_VERIFIER_IOMANAGER_VIOLATION                      0x000000C9u
#define PNP_DETECTED_FATAL_ERROR                                 0x000000CAu
#define DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS                      0x000000CBu
#define PAGE_FAULT_IN_FREED_SPECIAL_POOL                         0x000000CCu
#define PAGE_FAULT_BEYOND_END_OF_ALLOCATION                      0x000000CDu
#define DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS    0x000000CEu
#define DRIVER_IRQL_NOT_LESS_OR_EQUAL                            0x000000D1u
#define DRIVER_PORTION_MUST_BE_NONPAGED                          0x000000D3u
#define SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD 0x000000D4u
#define DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL                  0x000000D5u
#define DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION               0x000000D6u
#define SYSTEM_PTE_MISUSE                                        0x000000DAu
#define MANUALLY_INITIATED_CRASH                                 0x000000E2u
#define RESOURCE_NOT_OWNED                                       0x000000E3u
#define WORKER_INVALID                                           0x000000E4u
#define SCSI_VERIFIER_DETECTED_VIOLATION                         0x000000F1u
#define DRIVER_OVERRAN_STACK_BUFFER                              0x000000F7u
#define ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY                    0x000000FCu
#define DPC_WATCHDOG_VIOLATION                                   0x00000133u
#define KERNEL_SECURITY_CHECK_FAILURE                            0x00000139u

/* First parameter of KERNEL_SECURITY_CHECK_FAILURE: the argument of RtlFailFast. */
#define FAST_FAIL_LEGACY_GS_VIOLATION        0u
#define FAST_FAIL_STACK_COOKIE_CHECK_FAILURE 2u
#define FAST_FAIL_CORRUPT_LIST_ENTRY         3u
#define FAST_FAIL_INVALID_ARG                5u
#define FAST_FAIL_FATAL_APP_EXIT             7u
