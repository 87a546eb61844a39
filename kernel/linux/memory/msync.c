/* msync: a file's pages are the file, so there is nothing to write; the arguments are checked. */
#include "space.h"

#include <unibuild/linux_call.h>

#include <errno.h>
#include <sys/mman.h>

UB_LINUX_CALL(msync)
{
    uint64_t start = ub_argument(frame, 0);
    uint64_t size = ub_argument(frame, 1);
    uint64_t how = ub_argument(frame, 2);
    if (!ub_range_valid(start, &size) ||
        (how & ~(uint64_t)(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) != 0 ||
        (how & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
        return -EINVAL;
    }
    if (size == 0) {
        return 0;
    }
    unsigned long flags = ub_space_enter();
    bool covered = start <= UB_USER_END - size && ub_space_covered(start, start + size);
    ub_space_leave(flags);
    return covered ? 0 : -ENOMEM;
}
