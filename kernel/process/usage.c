/* Used time: the one program has had the processor since boot. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/times.h>

#include <unibuild/clock.h>

#define TICKS_PER_SECOND 100U

long ub_sys_getrusage(long who, struct rusage *usage)
{
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD) {
        return -EINVAL;
    }
    memset(usage, 0, __builtin_offsetof(struct rusage, __reserved));
    if (who != RUSAGE_CHILDREN) {
        uint64_t now = ub_clock_monotonic();
        usage->ru_utime.tv_sec = (time_t)(now / UB_NANOSECONDS_PER_SECOND);
        usage->ru_utime.tv_usec = (suseconds_t)(now % UB_NANOSECONDS_PER_SECOND / 1000);
    }
    return 0;
}

long ub_sys_times(struct tms *times)
{
    long ticks = (long)(ub_clock_monotonic() / (UB_NANOSECONDS_PER_SECOND / TICKS_PER_SECOND));
    if (times != NULL) {
        *times = (struct tms){.tms_utime = ticks};
    }
    return ticks;
}
