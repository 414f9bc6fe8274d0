/*
 * Time as drivers read it, in units of 100 ns: since boot (virtual under the seeded scheduler), and
 * since 1601. Nothing here may read the machine's clock under the seeded scheduler.
 */
#include "nt/dispatcher.h"

#include <time.h>

/** 1 January 1970 and 1 January 2020, UTC, in 100 ns since 1 January 1601. */
#define UNIX_EPOCH       116444736000000000u
#define SEEDED_BOOT_TIME 132223104000000000u

/** A clock tick: 1/64 s. */
#define TICK 156250u

uint64_t time_at_boot(void)
{
    struct timespec now;

    if (sched_kind() == SCHED_SEEDED) {
        return SEEDED_BOOT_TIME;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    return UNIX_EPOCH + (uint64_t)now.tv_sec * 10000000u + (uint64_t)now.tv_nsec / 100 -
           sched_time();
}

VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    NT_ROUTINE(HIGH_LEVEL);
    CurrentTime->QuadPart = (LONGLONG)(time_at_boot() + sched_time());
}

ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return sched_time();
}

ULONG NTAPI KeQueryTimeIncrement(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return TICK;
}
