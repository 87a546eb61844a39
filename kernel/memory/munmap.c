/* munmap: gives address space and memory back. */
#include "address_space.h"

#include <errno.h>

long ub_sys_munmap(long address, long length);

long ub_sys_munmap(long address, long length)
{
    uint64_t start = (uint64_t)address;
    uint64_t size = ((uint64_t)length + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    if ((start & UB_PAGE_MASK) != 0 || size == 0 || !ub_area_valid(start, size)) {
        return -EINVAL;
    }
    return ub_area_remove(start, size) ? 0 : -ENOMEM;
}
