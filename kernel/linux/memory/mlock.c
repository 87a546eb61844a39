/*
 * mlock and its family. Memory is never written out, so what is there stays; locking fills what is
 * not there yet. mlockall takes its flags and does nothing more: pages of the future still come
 * when they are touched.
 */
#include "space.h"

#include <unibuild/linux_call.h>

#include <errno.h>
#include <sys/mman.h>

static long lock(uint64_t start, uint64_t size, bool fill)
{
    /* These calls round the start down themselves. */
    size += start & UB_PAGE_MASK;
    start &= ~UB_PAGE_MASK;
    if (!ub_range_valid(start, &size) || start > UB_USER_END - size) {
        return -ENOMEM;
    }
    if (size == 0) {
        return 0;
    }
    unsigned long flags = ub_space_enter();
    bool covered = ub_space_covered(start, start + size);
    ub_space_leave(flags);
    return covered && (!fill || ub_space_fill(start, start + size)) ? 0 : -ENOMEM;
}

UB_LINUX_CALL(mlock)
{
    return lock(ub_argument(frame, 0), ub_argument(frame, 1), true);
}

UB_LINUX_CALL(mlock2)
{
    uint64_t how = ub_argument(frame, 2);
    if ((how & ~(uint64_t)MLOCK_ONFAULT) != 0) {
        return -EINVAL;
    }
    return lock(ub_argument(frame, 0), ub_argument(frame, 1), how == 0);
}

UB_LINUX_CALL(munlock)
{
    return lock(ub_argument(frame, 0), ub_argument(frame, 1), false);
}

UB_LINUX_CALL(mlockall)
{
    uint64_t how = ub_argument(frame, 0);
    return how == 0 || how == MCL_ONFAULT ||
                   (how & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0
               ? -EINVAL
               : 0;
}

UB_LINUX_CALL(munlockall)
{
    (void)frame;
    return 0;
}
