/* clock_settime(2) and settimeofday(2): the clock is the machine's, and the program may not set it,
 * as on Linux without CAP_SYS_TIME. */
#include <sys/time.h>
#include <time.h>

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>

UB_LINUX_CALL(clock_settime)
{
    struct timespec time;
    if ((int)ub_argument(frame, 0) != CLOCK_REALTIME) {
        return -EINVAL;
    }
    if (!ub_user_copy_in(&time, ub_argument(frame, 1), sizeof time)) {
        return -EFAULT;
    }
    bool sound =
        time.tv_sec >= 0 && time.tv_nsec >= 0 && (uint64_t)time.tv_nsec < UB_NANOSECONDS_PER_SECOND;
    return sound ? -EPERM : -EINVAL;
}

UB_LINUX_CALL(settimeofday)
{
    struct timeval time;
    uint64_t from = ub_argument(frame, 0);
    if (from == 0) {
        return ub_argument(frame, 1) == 0 ? 0 : -EPERM;
    }
    if (!ub_user_copy_in(&time, from, sizeof time)) {
        return -EFAULT;
    }
    return time.tv_sec >= 0 && time.tv_usec >= 0 && time.tv_usec < 1000000 ? -EPERM : -EINVAL;
}
