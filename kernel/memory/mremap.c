/* mremap: shrinks and grows in place where it can, else moves the pages, never their bytes. */
#include "address_space.h"

#include <errno.h>
#include <sys/mman.h>

long ub_sys_mremap(long address, long old_length, long new_length, long flags);

long ub_sys_mremap(long address, long old_length, long new_length, long flags)
{
    uint64_t start = (uint64_t)address;
    uint64_t old_size = ((uint64_t)old_length + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    uint64_t new_size = ((uint64_t)new_length + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    if ((start & UB_PAGE_MASK) != 0 || old_size == 0 || new_size == 0 ||
        (flags & ~(long)MREMAP_MAYMOVE) != 0 || !ub_area_valid(start, old_size)) {
        return -EINVAL;
    }
    if (new_size < old_size) {
        return ub_area_remove(start + new_size, old_size - new_size) ? address : -ENOMEM;
    }
    if (new_size == old_size || ub_area_extend(start + old_size, new_size - old_size)) {
        return address;
    }
    uint64_t moved = (flags & MREMAP_MAYMOVE) != 0 ? ub_area_move(start, old_size, new_size) : 0;
    return moved != 0 ? (long)moved : -ENOMEM;
}
