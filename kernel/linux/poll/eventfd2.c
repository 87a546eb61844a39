/* eventfd2(2). */
#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(eventfd2, ub_sys_eventfd2, {UB_SHAPE_VALUE, 0})
