#include "path_call.h"

long ub_sys_fstat(long descriptor, struct stat *status);

UB_LINUX_PATH_CALL(fstat, UB_VALUE, UB_FILLED(struct stat))
{
    return ub_sys_fstat(a, (struct stat *)b);
}
