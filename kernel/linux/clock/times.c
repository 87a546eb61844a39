/* times(2). */
#include <sys/times.h>

#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(times, ub_sys_times, {UB_SHAPE_OUT, sizeof(struct tms)})
