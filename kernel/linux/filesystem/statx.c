#include "path_call.h"

#define STATX_SIZE 256

long ub_sys_statx(long directory, const char *path, long flags, unsigned long mask, void *result);

UB_LINUX_PATH_CALL(statx, UB_VALUE, UB_PATH, UB_VALUE, UB_VALUE,
                   {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, STATX_SIZE})
{
    return ub_sys_statx(a, (const char *)b, c, (unsigned long)d, (void *)e);
}
