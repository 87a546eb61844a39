/* open, openat, creat: only Linux programs have file systems beside the image's root. */
#include "path_call.h"
#include "wanted.h"

UB_TMPFS_WANTED();
UB_OPEN_MAKE_WANTED();
UB_PROCFS_WANTED();

long ub_sys_openat(long directory, const char *path, long flags, long mode);

/* On 64 bits every file is opened as a large one. */
static long open_at(long directory, long path, long flags, long mode)
{
    return ub_sys_openat(directory, (const char *)path, flags | O_LARGEFILE, mode);
}

UB_LINUX_PATH_CALL(openat, UB_VALUE, UB_PATH)
{
    return open_at(a, b, (int)c, d);
}

UB_LINUX_PATH_CALL(open, UB_PATH)
{
    return open_at(AT_FDCWD, a, (int)b, c);
}

UB_LINUX_PATH_CALL(creat, UB_PATH)
{
    return open_at(AT_FDCWD, a, O_CREAT | O_WRONLY | O_TRUNC, b);
}
