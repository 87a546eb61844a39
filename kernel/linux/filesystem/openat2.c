/* openat2: without its limits on where a path may lead (RESOLVE_*), which answer -EINVAL. */
#include <string.h>

#include "path_call.h"
#include "wanted.h"

UB_TMPFS_WANTED();
UB_OPEN_MAKE_WANTED();
UB_PROCFS_WANTED();

#define HOW_SIZE 24U

long ub_sys_openat(long directory, const char *path, long flags, long mode);

struct how {
    uint64_t flags, mode, resolve;
};

UB_LINUX_PATH_CALL(openat2, UB_VALUE, UB_PATH, {UB_SHAPE_IN | UB_SHAPE_REQUIRED, HOW_SIZE})
{
    struct how how;
    memcpy(&how, (const void *)c, sizeof how);
    if ((uint64_t)d < HOW_SIZE || how.resolve != 0 || (how.flags >> 32) != 0 ||
        (how.mode & ~07777UL) != 0) {
        return -EINVAL;
    }
    if ((uint64_t)d > HOW_SIZE) {
        return -E2BIG;
    }
    return ub_sys_openat(a, (const char *)b, (long)how.flags | O_LARGEFILE, (long)how.mode);
}
