#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(close, ub_sys_close, {UB_SHAPE_VALUE, 0})
