/* nanosleep(2) and clock_nanosleep(2): a sleep cut short tells what is left of it. */
#include <time.h>

#include <unibuild/linux_call.h>

long ub_sys_clock_nanosleep(long clock, long flags, const struct timespec *request,
                            struct timespec *remaining);

static long sleep_for(long clock, long flags, uint64_t request, uint64_t remaining)
{
    struct timespec time, left;
    if (!ub_user_copy_in(&time, request, sizeof time)) {
        return -EFAULT;
    }
    long result = ub_sys_clock_nanosleep(clock, flags, &time, &left);
    if (result == -EINTR && remaining != 0 && (flags & TIMER_ABSTIME) == 0 &&
        !ub_user_copy_out(remaining, &left, sizeof left)) {
        return -EFAULT;
    }
    return result;
}

UB_LINUX_CALL(nanosleep)
{
    return sleep_for(CLOCK_MONOTONIC, 0, ub_argument(frame, 0), ub_argument(frame, 1));
}

UB_LINUX_CALL(clock_nanosleep)
{
    return sleep_for((int)ub_argument(frame, 0), (int)ub_argument(frame, 1), ub_argument(frame, 2),
                     ub_argument(frame, 3));
}
