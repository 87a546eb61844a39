/* Making, naming and removing. */
#include "path_call.h"
#include "wanted.h"

UB_TMPFS_WANTED();

long ub_sys_mkdirat(long directory, const char *path, long mode);
long ub_sys_mknodat(long directory, const char *path, long mode, long device);
long ub_sys_unlinkat(long directory, const char *path, long flags);
long ub_sys_renameat2(long from_directory, const char *from, long to_directory, const char *to,
                      long flags);
long ub_sys_linkat(long from_directory, const char *from, long to_directory, const char *to,
                   long flags);
long ub_sys_symlinkat(const char *target, long directory, const char *path);

UB_LINUX_PATH_CALL(mkdir, UB_PATH)
{
    return ub_sys_mkdirat(AT_FDCWD, (const char *)a, b);
}

UB_LINUX_PATH_CALL(mkdirat, UB_VALUE, UB_PATH)
{
    return ub_sys_mkdirat(a, (const char *)b, c);
}

UB_LINUX_PATH_CALL(mknod, UB_PATH)
{
    return ub_sys_mknodat(AT_FDCWD, (const char *)a, b, c);
}

UB_LINUX_PATH_CALL(mknodat, UB_VALUE, UB_PATH)
{
    return ub_sys_mknodat(a, (const char *)b, c, d);
}

UB_LINUX_PATH_CALL(unlink, UB_PATH)
{
    return ub_sys_unlinkat(AT_FDCWD, (const char *)a, 0);
}

UB_LINUX_PATH_CALL(rmdir, UB_PATH)
{
    return ub_sys_unlinkat(AT_FDCWD, (const char *)a, AT_REMOVEDIR);
}

UB_LINUX_PATH_CALL(unlinkat, UB_VALUE, UB_PATH)
{
    return ub_sys_unlinkat(a, (const char *)b, c);
}

UB_LINUX_PATH_CALL(rename, UB_PATH, UB_PATH)
{
    return ub_sys_renameat2(AT_FDCWD, (const char *)a, AT_FDCWD, (const char *)b, 0);
}

UB_LINUX_PATH_CALL(renameat, UB_VALUE, UB_PATH, UB_VALUE, UB_PATH)
{
    return ub_sys_renameat2(a, (const char *)b, c, (const char *)d, 0);
}

UB_LINUX_PATH_CALL(renameat2, UB_VALUE, UB_PATH, UB_VALUE, UB_PATH)
{
    return ub_sys_renameat2(a, (const char *)b, c, (const char *)d, e);
}

UB_LINUX_PATH_CALL(link, UB_PATH, UB_PATH)
{
    return ub_sys_linkat(AT_FDCWD, (const char *)a, AT_FDCWD, (const char *)b, 0);
}

UB_LINUX_PATH_CALL(linkat, UB_VALUE, UB_PATH, UB_VALUE, UB_PATH)
{
    return ub_sys_linkat(a, (const char *)b, c, (const char *)d, e);
}

UB_LINUX_PATH_CALL(symlink, UB_PATH, UB_PATH)
{
    return ub_sys_symlinkat((const char *)a, AT_FDCWD, (const char *)b);
}

UB_LINUX_PATH_CALL(symlinkat, UB_PATH, UB_VALUE, UB_PATH)
{
    return ub_sys_symlinkat((const char *)a, b, (const char *)c);
}
