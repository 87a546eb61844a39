/* clock_getres(2): all clocks count nanoseconds. */
#include "processor_clock.h"

#include <unibuild/linux_call.h>

long ub_sys_clock_getres(long clock, long result);

UB_LINUX_CALL(clock_getres)
{
    int clock = (int)ub_argument(frame, 0);
    uint64_t to = ub_argument(frame, 1);
    struct timespec step = {.tv_nsec = 1};
    uint64_t ran;
    long result = ub_clock_is_processor(clock) ? ub_processor_clock_read(clock, &ran)
                                               : ub_sys_clock_getres(clock, (long)&step);
    return result != 0 || to == 0 || ub_user_copy_out(to, &step, sizeof step) ? result : -EFAULT;
}
