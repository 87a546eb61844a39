/* madvise: gives memory back when told that it is not needed; other advice is taken as read. */
#include "address_space.h"

#include <errno.h>
#include <sys/mman.h>

long ub_sys_madvise(long address, long length, long advice);

long ub_sys_madvise(long address, long length, long advice)
{
    uint64_t start = (uint64_t)address;
    uint64_t size = ((uint64_t)length + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    if ((start & UB_PAGE_MASK) != 0) {
        return -EINVAL;
    }
    if (size == 0 || (advice != MADV_DONTNEED && advice != MADV_FREE)) {
        return 0;
    }
    return ub_area_valid(start, size) && ub_area_discard(start, size) ? 0 : -ENOMEM;
}
