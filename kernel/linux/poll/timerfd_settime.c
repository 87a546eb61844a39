/* timerfd_settime(2). */
#include <sys/timerfd.h>

#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(timerfd_settime, ub_sys_timerfd_settime, {UB_SHAPE_VALUE, 0}, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_IN | UB_SHAPE_REQUIRED, sizeof(struct itimerspec)},
                {UB_SHAPE_OUT, sizeof(struct itimerspec)})
