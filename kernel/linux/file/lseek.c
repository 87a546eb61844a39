#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(lseek, ub_sys_lseek, {UB_SHAPE_VALUE, 0})
