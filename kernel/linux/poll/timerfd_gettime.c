/* timerfd_gettime(2). */
#include <sys/timerfd.h>

#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(timerfd_gettime, ub_sys_timerfd_gettime, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(struct itimerspec)})
