#include "path_call.h"

long ub_sys_newfstatat(long directory, const char *path, struct stat *status, long flags);

UB_LINUX_PATH_CALL(stat, UB_PATH, UB_FILLED(struct stat))
{
    return ub_sys_newfstatat(AT_FDCWD, (const char *)a, (struct stat *)b, 0);
}

UB_LINUX_PATH_CALL(lstat, UB_PATH, UB_FILLED(struct stat))
{
    return ub_sys_newfstatat(AT_FDCWD, (const char *)a, (struct stat *)b, AT_SYMLINK_NOFOLLOW);
}

UB_LINUX_PATH_CALL(newfstatat, UB_VALUE, UB_PATH, UB_FILLED(struct stat))
{
    return ub_sys_newfstatat(a, (const char *)b, (struct stat *)c, d);
}
