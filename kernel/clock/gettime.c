/* clock_gettime, clock_getres, gettimeofday. Processor time counts as elapsed time. */
#include <unibuild/clock.h>

#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

long ub_sys_clock_gettime(long clock, long result);
long ub_sys_clock_getres(long clock, long result);
long ub_sys_gettimeofday(long result, long zone);

static struct timespec to_timespec(uint64_t nanoseconds)
{
    return (struct timespec){
        .tv_sec = (time_t)(nanoseconds / UB_NANOSECONDS_PER_SECOND),
        .tv_nsec = (long)(nanoseconds % UB_NANOSECONDS_PER_SECOND),
    };
}

long ub_sys_clock_gettime(long clock, long result)
{
    uint64_t now;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        now = ub_clock_realtime();
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        now = ub_clock_monotonic();
        break;
    default:
        return -EINVAL;
    }
    *(struct timespec *)result = to_timespec(now);
    return 0;
}

long ub_sys_clock_getres(long clock, long result)
{
    if (clock < CLOCK_REALTIME || clock > CLOCK_BOOTTIME) {
        return -EINVAL;
    }
    if (result != 0) {
        *(struct timespec *)result = (struct timespec){.tv_nsec = 1};
    }
    return 0;
}

long ub_sys_gettimeofday(long result, long zone)
{
    (void)zone;
    if (result != 0) {
        struct timespec now = to_timespec(ub_clock_realtime());
        *(struct timeval *)result =
            (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    }
    return 0;
}
