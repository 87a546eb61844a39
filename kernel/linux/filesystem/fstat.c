/* fstat. The console that is open from the start is told as /dev/console, so that its name can be
 * found (ttyname). */
#include <unibuild/file.h>

#include "path_call.h"

long ub_sys_fstat(long descriptor, struct stat *status);
long ub_sys_newfstatat(long directory, const char *path, struct stat *status, long flags);

UB_LINUX_PATH_CALL(fstat, UB_VALUE, UB_FILLED(struct stat))
{
    struct ub_file *file = ub_file_get((int)a);
    if (file == NULL) {
        return -EBADF;
    }
    long result = file == &ub_file_console
                      ? ub_sys_newfstatat(AT_FDCWD, "/dev/console", (struct stat *)b, 0)
                      : ub_sys_fstat(a, (struct stat *)b);
    ub_file_put(file);
    return result;
}
