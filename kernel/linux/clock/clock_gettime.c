/* clock_gettime(2), for the clocks that the vDSO leaves to the kernel and programs that ignore it.
 */
#include "read_clock.h"

#include <time.h>

#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(clock_gettime, ub_sys_clock_gettime, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(struct timespec)})
