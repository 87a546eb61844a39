/* mprotect: only program memory, and never executable (-EACCES). */
#include "address_space.h"

#include <errno.h>
#include <sys/mman.h>

long ub_sys_mprotect(long address, long length, long protection);

long ub_sys_mprotect(long address, long length, long protection)
{
    uint64_t start = (uint64_t)address;
    uint64_t size = ((uint64_t)length + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    if ((start & UB_PAGE_MASK) != 0) {
        return -EINVAL;
    }
    if ((protection & PROT_EXEC) != 0) {
        return -EACCES;
    }
    if (size == 0) {
        return 0;
    }
    if (!ub_area_valid(start, size)) {
        return -ENOMEM;
    }
    unsigned access = ((protection & PROT_READ) != 0 ? UB_AREA_READ : 0) |
                      ((protection & PROT_WRITE) != 0 ? UB_AREA_WRITE : 0);
    return ub_area_protect(start, size, access);
}
