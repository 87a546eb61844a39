#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(sendfile, ub_sys_sendfile, {UB_SHAPE_VALUE, 0}, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_IN_OUT, sizeof(int64_t)})
