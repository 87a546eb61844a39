/* Sleeping: nanosleep and clock_nanosleep. Only a signal with a handler cuts a sleep short. */
#include <errno.h>
#include <time.h>

#include <unibuild/scheduler.h>

int ub_thread_sleep_until(uint64_t deadline_ns)
{
    struct ub_wait_queue nobody_wakes = {0};
    int result = 0;
    unsigned long flags = ub_interrupt_disable();
    while (result == 0) {
        result = ub_thread_interrupted() ? -EINTR : ub_wait(&nobody_wakes, deadline_ns);
    }
    ub_interrupt_restore(flags);
    return result == -ETIMEDOUT ? 0 : result;
}

static int to_nanoseconds(const struct timespec *time, uint64_t *result)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= 1000000000L) {
        return -EINVAL;
    }
    if ((uint64_t)time->tv_sec >= UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4) {
        *result = UB_CLOCK_NEVER / 4;
    } else {
        *result = (uint64_t)time->tv_sec * UB_NANOSECONDS_PER_SECOND + (uint64_t)time->tv_nsec;
    }
    return 0;
}

long ub_sys_clock_nanosleep(long clock, long flags, const struct timespec *request,
                            struct timespec *remaining)
{
    uint64_t duration;
    int error = to_nanoseconds(request, &duration);
    if (error != 0) {
        return error;
    }
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) {
        return -EINVAL;
    }
    uint64_t now = ub_clock_monotonic();
    if (flags & TIMER_ABSTIME) {
        uint64_t clock_now = clock == CLOCK_REALTIME ? ub_clock_realtime() : now;
        duration = duration > clock_now ? duration - clock_now : 0;
    }
    int result = ub_thread_sleep_until(now + duration);
    if (result == -EINTR && remaining != NULL && !(flags & TIMER_ABSTIME)) {
        uint64_t slept = ub_clock_monotonic() - now;
        uint64_t left = duration > slept ? duration - slept : 0;
        remaining->tv_sec = (time_t)(left / UB_NANOSECONDS_PER_SECOND);
        remaining->tv_nsec = (long)(left % UB_NANOSECONDS_PER_SECOND);
    }
    return ub_thread_serve(result);
}

long ub_sys_nanosleep(const struct timespec *request, struct timespec *remaining)
{
    return ub_sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
}
