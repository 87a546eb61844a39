/*
 * mmap: anonymous memory. A mapping that asks for execution is refused (-EACCES): nothing becomes
 * executable after boot. Files cannot be mapped (-ENODEV). MAP_FIXED must lie in program memory, so
 * never over the kernel or the null page (-EPERM below 64 KiB, else -ENOMEM).
 */
#include "address_space.h"

#include <errno.h>
#include <sys/mman.h>

long ub_sys_mmap(long address, long length, long protection, long flags, long file, long offset);

static bool is_huge(uint64_t size)
{
    return size == 0 || size > 1UL << 46;
}

long ub_sys_mmap(long address, long length, long protection, long flags, long file, long offset)
{
    (void)file;
    uint64_t start = (uint64_t)address;
    uint64_t size = ((uint64_t)length + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    bool fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    if (length == 0 || (offset & (long)UB_PAGE_MASK) != 0 ||
        (fixed && (start & UB_PAGE_MASK) != 0)) {
        return -EINVAL;
    }
    if ((flags & MAP_ANONYMOUS) == 0) {
        return -ENODEV;
    }
    if ((protection & PROT_EXEC) != 0) {
        return -EACCES;
    }
    if (is_huge(size)) {
        return -ENOMEM;
    }
    if (fixed && start < UB_MEMORY_LOWEST) {
        return -EPERM;
    }
    if (fixed && !ub_area_valid(start, size)) {
        return -ENOMEM;
    }
    if ((flags & MAP_FIXED) != 0 && (flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE &&
        !ub_area_remove(start, size)) {
        return -ENOMEM;
    }
    unsigned access = ((protection & PROT_READ) != 0 ? UB_AREA_READ : 0) |
                      ((protection & PROT_WRITE) != 0 ? UB_AREA_WRITE : 0) |
                      ((flags & MAP_NORESERVE) != 0 ? UB_AREA_UNRESERVED : 0);
    uint64_t created = ub_area_create(fixed ? start : 0, size, UB_AREA_ANONYMOUS, access);
    if (created == 0) {
        return (flags & MAP_FIXED_NOREPLACE) != 0 ? -EEXIST : -ENOMEM;
    }
    return (long)created;
}
