/* gettimeofday(2) and time(2). There is no time zone: as on Linux it is zero. */
#include "read_clock.h"

#include <sys/time.h>

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>

UB_LINUX_CALL(gettimeofday)
{
    uint64_t result = ub_argument(frame, 0);
    uint64_t zone = ub_argument(frame, 1);
    uint64_t now = ub_clock_realtime();
    struct timeval time = {
        .tv_sec = (time_t)(now / UB_NANOSECONDS_PER_SECOND),
        .tv_usec = (suseconds_t)(now % UB_NANOSECONDS_PER_SECOND / 1000),
    };
    bool given = (result == 0 || ub_user_copy_out(result, &time, sizeof time)) &&
                 (zone == 0 || ub_user_zero(zone, sizeof(struct timezone)));
    return given ? 0 : -EFAULT;
}

UB_LINUX_CALL(time)
{
    uint64_t result = ub_argument(frame, 0);
    long now = (long)(ub_clock_realtime() / UB_NANOSECONDS_PER_SECOND);
    return result == 0 || ub_user_copy_out(result, &now, sizeof now) ? now : -EFAULT;
}
