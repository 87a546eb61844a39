/* times(2): ticks of processor time, all of it counted as the program's own. */
#include <sys/times.h>

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>
#include <unibuild/thread.h>

#define NANOSECONDS_PER_TICK (UB_NANOSECONDS_PER_SECOND / 100)

UB_LINUX_CALL(times)
{
    uint64_t to = ub_argument(frame, 0);
    struct tms used = {.tms_utime = (clock_t)(ub_program_usage() / NANOSECONDS_PER_TICK)};
    if (to != 0 && !ub_user_copy_out(to, &used, sizeof used)) {
        return -EFAULT;
    }
    return (long)(ub_clock_monotonic() / NANOSECONDS_PER_TICK);
}
