/* Resource limits. */
#include <sys/resource.h>

#include <unibuild/linux_call.h>

/* The call's name, of which the C library makes another. */
#undef prlimit64

UB_LINUX_SHAPED(prlimit64, ub_sys_prlimit64, {UB_SHAPE_VALUE, 0}, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_IN, sizeof(struct rlimit)}, {UB_SHAPE_OUT, sizeof(struct rlimit)})
UB_LINUX_SHAPED(getrlimit, ub_sys_getrlimit, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(struct rlimit)})
UB_LINUX_SHAPED(setrlimit, ub_sys_setrlimit, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_IN | UB_SHAPE_REQUIRED, sizeof(struct rlimit)})
