#include "path_call.h"

long ub_sys_faccessat2(long directory, const char *path, long mode, long flags);

UB_LINUX_PATH_CALL(access, UB_PATH)
{
    return ub_sys_faccessat2(AT_FDCWD, (const char *)a, b, 0);
}

UB_LINUX_PATH_CALL(faccessat, UB_VALUE, UB_PATH)
{
    return ub_sys_faccessat2(a, (const char *)b, c, 0);
}

UB_LINUX_PATH_CALL(faccessat2, UB_VALUE, UB_PATH)
{
    return ub_sys_faccessat2(a, (const char *)b, c, d);
}
