/* Times of timers as setitimer has them, in nanoseconds and back. */
#ifndef UNIBUILD_INTERVAL_H
#define UNIBUILD_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include <unibuild/clock.h>

/* False for what is no time. Times that no clock reaches are cut to a quarter of all. */
static inline bool ub_interval_nanoseconds(const struct timeval *time, uint64_t *result)
{
    if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000L) {
        return false;
    }
    uint64_t limit = UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4;
    uint64_t seconds = (uint64_t)time->tv_sec < limit ? (uint64_t)time->tv_sec : limit;
    *result = seconds * UB_NANOSECONDS_PER_SECOND + (uint64_t)time->tv_usec * 1000;
    return true;
}

/* Rounded up: a timer that runs is never told as one that does not. */
static inline struct timeval ub_interval_timeval(uint64_t time)
{
    uint64_t microseconds = (time + 999) / 1000;
    return (struct timeval){.tv_sec = (time_t)(microseconds / 1000000),
                            .tv_usec = (suseconds_t)(microseconds % 1000000)};
}

#endif
