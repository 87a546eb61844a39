/* What device drivers need of memory: registers mapped, and physical addresses. */
#include "address_space.h"

#include <unibuild/paging.h>
#include <unibuild/panic.h>

void *ub_memory_map_device(uint64_t physical, size_t size)
{
    uint64_t offset = physical & UB_PAGE_MASK;
    uint64_t length = (offset + size + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    uint64_t start =
        ub_area_create(0, length, UB_AREA_DEVICE, UB_AREA_READ | UB_AREA_WRITE | UB_AREA_KERNEL);
    if (start == 0) {
        ub_panic("no address space for a device at %lx", physical);
    }
    for (uint64_t at = 0; at < length; at += UB_PAGE_SIZE) {
        if (!ub_page_map(start + at, physical - offset + at,
                         UB_PAGE_WRITE | UB_PAGE_CACHE_DISABLE | UB_PAGE_WRITE_THROUGH)) {
            ub_panic("out of memory for a page table");
        }
    }
    return (void *)(start + offset);
}

uint64_t ub_physical_address(const void *address)
{
    uint64_t physical = ub_page_translate((uint64_t)address);
    if (physical == UINT64_MAX && ub_area_populate((uint64_t)address, false)) {
        physical = ub_page_translate((uint64_t)address);
    }
    if (physical == UINT64_MAX) {
        ub_panic("%p has no physical address", address);
    }
    return physical;
}
