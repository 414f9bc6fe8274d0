/*
 * wdm.h for the native Linux build: what a kernel-mode driver may use, one topic per header.
 * Written for this project with the WDK's names, values and x64 layouts; only what a storage
 * driver, a port driver or their tests use is here. The .sys build uses mingw-w64's DDK instead.
 *
 *     wdm_ke.h    IRQL, spin locks, events, timers, DPCs, waits, time, bugcheck, debug output
 *     wdm_atomic.h, wdm_order.h, wdm_list.h    interlocked operations, barriers, lists: inlines
 *     wdm_ex.h    pool, fast mutexes, interlocked lists
 *     wdm_mm.h    pages and MDLs
 *     wdm_rtl.h   memory and strings
 *     wdm_io.h    devices, drivers, files, IRPs, work items, remove locks;  csq.h
 *     wdm_pnp.h   capabilities, interfaces, notifications
 *     wdm_file.h  files and registry
 *     wdm_ob.h    object references, threads;  wdm_se.h  privileges, subjects
 */
#pragma once

#include <ntdef.h>
#include <string.h>

#include <bugcodes.h>
#include <devioctl.h>
#include <ntstatus.h>

/* Buses and resources, as far as a storage adapter is asked about them. */
typedef enum _INTERFACE_TYPE {
    InterfaceTypeUndefined = -1,
    Internal,
    Isa,
    Eisa,
    MicroChannel,
    TurboChannel,
    PCIBus,
    VMEBus,
    NuBus,
    PCMCIABus,
    CBus,
    MPIBus,
    MPSABus,
    ProcessorInternal,
    InternalPowerBus,
    PNPISABus,
    PNPBus,
    Vmcs,
    ACPIBus,
    MaximumInterfaceType
} INTERFACE_TYPE,
    *PINTERFACE_TYPE;

typedef enum _BUS_DATA_TYPE {
    ConfigurationSpaceUndefined = -1,
    Cmos,
    EisaConfiguration,
    Pos,
    CbusConfiguration,
    PCIConfiguration,
    MaximumBusDataType = 12
} BUS_DATA_TYPE,
    *PBUS_DATA_TYPE;

typedef enum _DMA_WIDTH {
    Width8Bits,
    Width16Bits,
    Width32Bits,
    Width64Bits,
    WidthNoWrap,
    MaximumDmaWidth
} DMA_WIDTH,
    *PDMA_WIDTH;

typedef enum _DMA_SPEED { Compatible, TypeA, TypeB, TypeC, TypeF, MaximumDmaSpeed } DMA_SPEED;
typedef DMA_SPEED *PDMA_SPEED;
typedef enum _KINTERRUPT_MODE { LevelSensitive, Latched } KINTERRUPT_MODE;

#include <wdm_ke.h>
#include <wdm_atomic.h>
#include <wdm_order.h>
#include <wdm_list.h>
#include <wdm_ex.h>
#include <wdm_mm.h>
#include <wdm_rtl.h>
#include <wdm_io.h>
#include <csq.h>
#include <wdm_pnp.h>
#include <wdm_file.h>
#include <wdm_ob.h>
#include <wdm_se.h>
