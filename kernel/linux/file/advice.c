/* Advice about access, locks against other processes: accepted and ignored. */
#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(flock, ub_sys_flock, {UB_SHAPE_VALUE, 0})
UB_LINUX_SHAPED(fadvise64, ub_sys_fadvise64, {UB_SHAPE_VALUE, 0})
UB_LINUX_SHAPED(readahead, ub_sys_flock, {UB_SHAPE_VALUE, 0})
