/* Stacks: an area whose lowest page stays without access, so that an overflow faults. */
#include "address_space.h"

static uint64_t create(size_t pages, unsigned access)
{
    uint64_t size = (pages + 1) * UB_PAGE_SIZE;
    uint64_t start = ub_area_create(0, size, UB_AREA_ANONYMOUS, access);
    if (start != 0 && ub_area_protect(start, UB_PAGE_SIZE, 0) != 0) {
        ub_area_remove(start, size);
        return 0;
    }
    return start;
}

void *ub_stack_allocate(size_t pages)
{
    uint64_t start = create(pages, UB_AREA_READ | UB_AREA_WRITE | UB_AREA_KERNEL);
    if (start == 0) {
        return NULL;
    }
    for (size_t i = 1; i <= pages; i++) {
        ub_area_populate(start + i * UB_PAGE_SIZE, true);
    }
    return (void *)(start + UB_PAGE_SIZE);
}

void ub_stack_free(void *lowest, size_t pages)
{
    ub_area_remove((uint64_t)lowest - UB_PAGE_SIZE, (pages + 1) * UB_PAGE_SIZE);
}

void *ub_program_stack_allocate(size_t pages)
{
    uint64_t start = create(pages, UB_AREA_READ | UB_AREA_WRITE | UB_AREA_UNRESERVED);
    return start != 0 ? (void *)(start + UB_PAGE_SIZE) : NULL;
}
