/*
 * Stacks. The kernel's lie one below the other from the base of its half down, each above a page
 * that is never mapped; a place that became free is used again, so thousands cost no search. A
 * linked program's is an area whose lowest page allows no access.
 */
#include "address_space.h"

#include <unibuild/lock.h>
#include <unibuild/paging.h>

struct place {
    struct place *next;
    uint64_t start;
    size_t pages;
};

static struct ub_lock lock = UB_LOCK_INITIAL;
static struct place *places; /* that are free, with their tables */
static uint64_t lowest;      /* of all places that were ever used */

/* The caller holds the lock. */
static uint64_t take_place(size_t pages, struct place **taken)
{
    for (struct place **at = &places; *at != NULL; at = &(*at)->next) {
        if ((*at)->pages == pages) {
            *taken = *at;
            *at = (*taken)->next;
            return (*taken)->start;
        }
    }
    *taken = NULL;
    lowest = (lowest != 0 ? lowest : ub_area_kernel_base()) - (pages + 1) * UB_PAGE_SIZE;
    return lowest;
}

static bool fill(uint64_t start, size_t pages)
{
    for (size_t i = 1; i <= pages; i++) {
        void *memory = ub_page_allocate(1);
        if (memory == NULL) {
            return false;
        }
        if (!ub_page_map(start + i * UB_PAGE_SIZE, ub_direct_physical(memory), UB_PAGE_WRITE)) {
            ub_page_free(memory, 1);
            return false;
        }
    }
    return true;
}

void *ub_stack_allocate(size_t pages)
{
    struct place *place;
    ub_stack_probe_twice();
    unsigned long flags = ub_lock_acquire(&lock);
    uint64_t start = take_place(pages, &place);
    bool filled = fill(start, pages);
    ub_lock_release(&lock, flags);
    ub_heap_free(place);
    void *stack = (void *)(start + UB_PAGE_SIZE);
    if (!filled) {
        ub_stack_free(stack, pages);
        return NULL;
    }
    return stack;
}

void ub_stack_free(void *stack, size_t pages)
{
    uint64_t start = (uint64_t)stack - UB_PAGE_SIZE;
    ub_stack_probe_twice();
    unsigned long flags = ub_lock_acquire(&lock);
    for (size_t i = 1; i <= pages; i++) {
        uint64_t entry = ub_page_unmap(start + i * UB_PAGE_SIZE);
        if (entry != 0) {
            ub_page_free(ub_direct_pointer(entry & UB_PAGE_ADDRESS), 1);
        }
    }
    /* Without memory to note it the place is lost, of which there are millions. */
    struct place *place = ub_heap_allocate(sizeof *place);
    if (place != NULL) {
        *place = (struct place){places, start, pages};
        places = place;
    }
    ub_lock_release(&lock, flags);
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
