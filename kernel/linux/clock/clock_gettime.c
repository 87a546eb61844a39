/* clock_gettime(2), for the clocks that the vDSO leaves to the kernel and programs that ignore it.
 */
#include "processor_clock.h"
#include "read_clock.h"

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>

long ub_sys_clock_gettime(long clock, long result);

UB_LINUX_CALL(clock_gettime)
{
    int clock = (int)ub_argument(frame, 0);
    struct timespec time;
    uint64_t ran;
    long result;
    if (ub_clock_is_processor(clock)) {
        result = ub_processor_clock_read(clock, &ran);
        time.tv_sec = (time_t)(ran / UB_NANOSECONDS_PER_SECOND);
        time.tv_nsec = (long)(ran % UB_NANOSECONDS_PER_SECOND);
    } else {
        result = ub_sys_clock_gettime(clock, (long)&time);
    }
    if (result != 0) {
        return result;
    }
    return ub_user_copy_out(ub_argument(frame, 1), &time, sizeof time) ? 0 : -EFAULT;
}
