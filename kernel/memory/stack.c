/* Stacks: an area whose lowest page stays without memory or access, so that an overflow faults. */
#include "address_space.h"

void *ub_stack_allocate(size_t pages)
{
    uint64_t size = (pages + 1) * UB_PAGE_SIZE;
    uint64_t start = ub_area_create(0, size, UB_AREA_STACK, UB_AREA_KERNEL);
    if (start != 0 && !ub_area_fill(start, size)) {
        ub_area_remove(start, size);
        start = 0;
    }
    return start != 0 ? (void *)(start + UB_PAGE_SIZE) : NULL;
}

void ub_stack_free(void *lowest, size_t pages)
{
    ub_area_remove((uint64_t)lowest - UB_PAGE_SIZE, (pages + 1) * UB_PAGE_SIZE);
}

void *ub_program_stack_allocate(size_t pages)
{
    uint64_t size = (pages + 1) * UB_PAGE_SIZE;
    uint64_t start = ub_area_create(0, size, UB_AREA_ANONYMOUS,
                                    UB_AREA_READ | UB_AREA_WRITE | UB_AREA_UNRESERVED);
    if (start != 0 && ub_area_protect(start, UB_PAGE_SIZE, 0) != 0) {
        ub_area_remove(start, size);
        return NULL;
    }
    return start != 0 ? (void *)(start + UB_PAGE_SIZE) : NULL;
}
