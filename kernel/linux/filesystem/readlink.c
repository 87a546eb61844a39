#include "path_call.h"
#include "wanted.h"

UB_PROCFS_WANTED();

long ub_sys_readlinkat(long directory, const char *path, char *buffer, long size);

UB_LINUX_PATH_CALL(readlink, UB_PATH, {UB_SHAPE_BYTES_OUT, 2})
{
    return ub_sys_readlinkat(AT_FDCWD, (const char *)a, (char *)b, (int)c);
}

UB_LINUX_PATH_CALL(readlinkat, UB_VALUE, UB_PATH, {UB_SHAPE_BYTES_OUT, 3})
{
    return ub_sys_readlinkat(a, (const char *)b, (char *)c, (int)d);
}
