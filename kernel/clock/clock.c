/* The monotonic clock: the time stamp counter, scaled. */
#include "frequency.h"

#include <unibuild/clock.h>
#include <unibuild/lock.h>
#include <unibuild/registers.h>
#include <unibuild/timestamp.h>

static struct ub_lock lock = UB_LOCK_INITIAL;
static uint64_t frequency;
static struct ub_time_scale scale;
/* Times 2^30 (so up to 17 GHz). */
static uint64_t cycles_per_nanosecond;

static void prepare(void)
{
    if (__atomic_load_n(&frequency, __ATOMIC_ACQUIRE) != 0) {
        return;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    if (frequency == 0) {
        scale.start = ub_time_stamp();
        uint64_t hertz = ub_time_stamp_frequency();
        scale.nanoseconds_per_cycle = (UB_NANOSECONDS_PER_SECOND << 32) / hertz;
        cycles_per_nanosecond = (hertz << 30) / UB_NANOSECONDS_PER_SECOND;
        __atomic_store_n(&frequency, hertz, __ATOMIC_RELEASE);
    }
    ub_lock_release(&lock, flags);
}

uint64_t ub_clock_monotonic(void)
{
    prepare();
    uint64_t cycles = ub_time_stamp() - scale.start;
    return (uint64_t)((unsigned __int128)cycles * scale.nanoseconds_per_cycle >> 32);
}

struct ub_time_scale ub_time_scale(void)
{
    prepare();
    return scale;
}

uint64_t ub_time_stamp_at(uint64_t nanoseconds)
{
    prepare();
    unsigned __int128 cycles = (unsigned __int128)nanoseconds * cycles_per_nanosecond >> 30;
    return cycles > UINT64_MAX - scale.start ? UINT64_MAX : scale.start + (uint64_t)cycles;
}
