/* clock_getres(2). */
#include <time.h>

#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(clock_getres, ub_sys_clock_getres, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_OUT, sizeof(struct timespec)})
