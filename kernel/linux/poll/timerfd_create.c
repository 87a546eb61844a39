/* timerfd_create(2). */
#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(timerfd_create, ub_sys_timerfd_create, {UB_SHAPE_VALUE, 0})
