/* Modes, owners, sizes and times. */
#include "path_call.h"

long ub_sys_fchmodat(long directory, const char *path, long mode);
long ub_sys_fchmodat2(long directory, const char *path, long mode, long flags);
long ub_sys_fchownat(long directory, const char *path, long user, long group, long flags);

UB_LINUX_PATH_CALL(chmod, UB_PATH)
{
    return ub_sys_fchmodat2(AT_FDCWD, (const char *)a, b, 0);
}

UB_LINUX_PATH_CALL(fchmodat, UB_VALUE, UB_PATH)
{
    return ub_sys_fchmodat2(a, (const char *)b, c, 0);
}

UB_LINUX_PATH_CALL(fchmodat2, UB_VALUE, UB_PATH)
{
    return ub_sys_fchmodat2(a, (const char *)b, c, d);
}

UB_LINUX_PATH_CALL(chown, UB_PATH)
{
    return ub_sys_fchownat(AT_FDCWD, (const char *)a, b, c, 0);
}

UB_LINUX_PATH_CALL(lchown, UB_PATH)
{
    return ub_sys_fchownat(AT_FDCWD, (const char *)a, b, c, AT_SYMLINK_NOFOLLOW);
}

UB_LINUX_PATH_CALL(fchownat, UB_VALUE, UB_PATH)
{
    return ub_sys_fchownat(a, (const char *)b, c, d, e);
}

UB_LINUX_SHAPED(fchmod, ub_sys_fchmod, UB_VALUE)
UB_LINUX_SHAPED(fchown, ub_sys_fchown, UB_VALUE)
UB_LINUX_SHAPED(truncate, ub_sys_truncate, UB_PATH)
UB_LINUX_SHAPED(ftruncate, ub_sys_ftruncate, UB_VALUE)
UB_LINUX_SHAPED(fallocate, ub_sys_fallocate, UB_VALUE)
