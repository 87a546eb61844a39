/* getrandom(2). */
#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(getrandom, ub_sys_getrandom, {UB_SHAPE_BYTES_OUT, 1}, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_VALUE, 0})
