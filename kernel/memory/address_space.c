#include "address_space.h"

#include <unibuild/exception.h>
#include <unibuild/lock.h>
#include <unibuild/paging.h>
#include <unibuild/panic.h>
#include <unibuild/program_memory.h>
#include <unibuild/random.h>
#include <unibuild/registers.h>

#include <errno.h>
#include <string.h>

#define LARGE_PAGE (2UL << 20)

/* A page that has memory but no access keeps its address in the absent entry, with this mark. */
#define ENTRY_RESIDENT 0x400UL

/* Where programs in ring 3 are linked, the lower half is theirs. */
#pragma weak ub_program_fault_resolve

#define FAULT_PRESENT 1UL
#define FAULT_WRITE 2UL

/* A base is drawn in steps of 2 MiB below `limit`, so that one set of tables starts at it. */
struct space {
    uint64_t lowest, limit, end;
    uint64_t base; /* 0 until it is drawn */
};

struct area {
    struct area *next;
    uint64_t start, end;
    enum ub_area_kind kind;
    unsigned access;
};

static struct ub_lock lock = UB_LOCK_INITIAL;
static struct area *areas; /* sorted, disjoint */
static struct space program_space = {1UL << 40, (1UL << 40) + (1UL << 46), 1UL << 47, 0};
static struct space kernel_space = {0xffffe08000000000UL, 0xfffff00000000000UL,
                                    0xffffff8000000000UL, 0};
static uint64_t promised; /* pages of writable anonymous areas that have no memory yet */

/* Every function but the fault handler takes the lock by this. */
static inline __attribute__((always_inline)) unsigned long acquire(void)
{
    ub_stack_probe_twice();
    return ub_lock_acquire(&lock);
}

static bool is_promised(const struct area *area)
{
    return area->kind == UB_AREA_ANONYMOUS && (area->access & UB_AREA_WRITE) != 0 &&
           (area->access & UB_AREA_UNRESERVED) == 0;
}

static uint64_t base_of(struct space *space)
{
    if (space->base == 0) {
        uint64_t steps = (space->limit - space->lowest) / LARGE_PAGE;
        space->base = space->lowest + ub_random_u64() % steps * LARGE_PAGE;
    }
    return space->base;
}

uint64_t ub_area_kernel_base(void)
{
    return base_of(&kernel_space);
}

static uint64_t page_flags(const struct area *area)
{
    uint64_t flags = (area->access & UB_AREA_WRITE) != 0 ? UB_PAGE_WRITE : 0;
    if (area->kind == UB_AREA_DEVICE) {
        flags |= UB_PAGE_CACHE_DISABLE | UB_PAGE_WRITE_THROUGH;
    }
    return flags;
}

/* The area that holds `address`, or the first behind it; `*link` is what points to it. */
static struct area *find(uint64_t address, struct area ***link)
{
    struct area **at = &areas;
    while (*at != NULL && (*at)->end <= address) {
        at = &(*at)->next;
    }
    *link = at;
    return *at;
}

static uint64_t find_room(struct space *space, uint64_t size)
{
    uint64_t at = base_of(space);
    for (const struct area *area = areas; area != NULL && area->start < space->end;
         area = area->next) {
        if (area->start >= at && area->start - at >= size) {
            return at;
        }
        if (area->end > at) {
            at = area->end;
        }
    }
    return space->end - at >= size ? at : 0;
}

static bool is_room(uint64_t start, uint64_t size)
{
    struct area **link;
    const struct area *area = find(start, &link);
    return area == NULL || area->start >= start + size;
}

bool ub_area_valid(uint64_t start, uint64_t size)
{
    uint64_t end = program_space.end;
    return start >= base_of(&program_space) && size <= end && start <= end - size;
}

static bool can_promise(uint64_t pages)
{
    uint64_t available = ub_page_free_count();
    return pages <= available && promised <= available - pages;
}

uint64_t ub_area_create(uint64_t wanted, uint64_t size, enum ub_area_kind kind, unsigned access)
{
    struct area *area = ub_heap_allocate(sizeof *area);
    if (area == NULL) {
        return 0;
    }
    unsigned long flags = acquire();
    struct space *space = (access & UB_AREA_KERNEL) != 0 ? &kernel_space : &program_space;
    uint64_t start = wanted == 0 ? find_room(space, size) : is_room(wanted, size) ? wanted : 0;
    *area = (struct area){NULL, start, start + size, kind, access};
    bool counted = is_promised(area);
    if (start == 0 || (counted && !can_promise(size / UB_PAGE_SIZE))) {
        ub_lock_release(&lock, flags);
        ub_heap_free(area);
        return 0;
    }
    if (counted) {
        promised += size / UB_PAGE_SIZE;
    }
    struct area **link;
    area->next = find(start, &link);
    *link = area;
    ub_lock_release(&lock, flags);
    return start;
}

/* Makes `address` a border between areas. */
static bool split(uint64_t address)
{
    struct area **link;
    struct area *area = find(address, &link);
    if (area == NULL || area->start >= address) {
        return true;
    }
    struct area *upper = ub_heap_allocate(sizeof *upper);
    if (upper == NULL) {
        return false;
    }
    *upper = *area;
    upper->start = address;
    area->end = address;
    area->next = upper;
    return true;
}

/* Takes the pages of [start, end) out of the tables; those that were RAM go back. */
static void release_pages(const struct area *area, uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end;) {
        uint64_t *entry = ub_page_entry(at, false);
        if (entry == NULL) {
            /* No table here: nothing is mapped up to the next one. */
            at = (at & ~(LARGE_PAGE - 1)) + LARGE_PAGE;
            continue;
        }
        uint64_t old = ub_page_unmap(at);
        if (old != 0 && area->kind == UB_AREA_ANONYMOUS) {
            ub_page_free(ub_direct_pointer(old & UB_PAGE_ADDRESS), 1);
            if (is_promised(area)) {
                promised++;
            }
        }
        at += UB_PAGE_SIZE;
    }
}

bool ub_area_remove(uint64_t start, uint64_t size)
{
    uint64_t end = start + size;
    unsigned long flags = acquire();
    if (!split(start) || !split(end)) {
        ub_lock_release(&lock, flags);
        return false;
    }
    struct area **link;
    struct area *area = find(start, &link);
    while (area != NULL && area->start < end) {
        release_pages(area, area->start, area->end);
        if (is_promised(area)) {
            promised -= (area->end - area->start) / UB_PAGE_SIZE;
        }
        *link = area->next;
        ub_heap_free(area);
        area = *link;
    }
    ub_lock_release(&lock, flags);
    return true;
}

/* Brings the entries of pages that have memory in line with the area's access. */
static void apply_access(const struct area *area)
{
    bool accessible = (area->access & (UB_AREA_READ | UB_AREA_WRITE)) != 0;
    for (uint64_t at = area->start; at < area->end;) {
        uint64_t *entry = ub_page_entry(at, false);
        if (entry == NULL) {
            at = (at & ~(LARGE_PAGE - 1)) + LARGE_PAGE;
            continue;
        }
        if (*entry != 0) {
            uint64_t memory = *entry & UB_PAGE_ADDRESS;
            if (accessible) {
                ub_page_map(at, memory, page_flags(area));
            } else {
                *entry = memory | ENTRY_RESIDENT;
                ub_page_invalidate(at);
            }
        }
        at += UB_PAGE_SIZE;
    }
}

static uint64_t absent_pages(const struct area *area)
{
    uint64_t absent = (area->end - area->start) / UB_PAGE_SIZE;
    for (uint64_t at = area->start; at < area->end;) {
        const uint64_t *entry = ub_page_entry(at, false);
        if (entry == NULL) {
            at = (at & ~(LARGE_PAGE - 1)) + LARGE_PAGE;
            continue;
        }
        absent -= *entry != 0;
        at += UB_PAGE_SIZE;
    }
    return absent;
}

static bool is_covered(uint64_t start, uint64_t end)
{
    struct area **link;
    for (const struct area *area = find(start, &link); start < end; area = area->next) {
        if (area == NULL || area->start > start || area->kind != UB_AREA_ANONYMOUS) {
            return false;
        }
        start = area->end;
    }
    return true;
}

long ub_area_protect(uint64_t start, uint64_t size, unsigned access)
{
    uint64_t end = start + size;
    long result = 0;
    unsigned long flags = acquire();
    if (!is_covered(start, end)) {
        result = -ENOMEM;
    } else if (!split(start) || !split(end)) {
        result = -ENOMEM;
    } else {
        struct area **link;
        for (struct area *area = find(start, &link); area != NULL && area->start < end;
             area = area->next) {
            struct area changed = *area;
            changed.access = access | (area->access & (UB_AREA_UNRESERVED | UB_AREA_KERNEL));
            if (is_promised(&changed) && !is_promised(area)) {
                uint64_t pages = absent_pages(area);
                if (!can_promise(pages)) {
                    result = -ENOMEM;
                    break;
                }
                promised += pages;
            } else if (!is_promised(&changed) && is_promised(area)) {
                promised -= absent_pages(area);
            }
            area->access = changed.access;
            apply_access(area);
        }
    }
    ub_lock_release(&lock, flags);
    return result;
}

bool ub_area_discard(uint64_t start, uint64_t size)
{
    uint64_t end = start + size;
    unsigned long flags = acquire();
    bool covered = is_covered(start, end);
    if (covered) {
        struct area **link;
        for (const struct area *area = find(start, &link); area != NULL && area->start < end;
             area = area->next) {
            release_pages(area, area->start > start ? area->start : start,
                          area->end < end ? area->end : end);
        }
    }
    ub_lock_release(&lock, flags);
    return covered;
}

bool ub_area_extend(uint64_t end, uint64_t more)
{
    unsigned long flags = acquire();
    struct area **link;
    struct area *area = find(end - 1, &link);
    bool possible = area != NULL && area->end == end && ub_area_valid(end, more) &&
                    is_room(end, more) && (!is_promised(area) || can_promise(more / UB_PAGE_SIZE));
    if (possible) {
        area->end += more;
        if (is_promised(area)) {
            promised += more / UB_PAGE_SIZE;
        }
    }
    ub_lock_release(&lock, flags);
    return possible;
}

uint64_t ub_area_move(uint64_t start, uint64_t size, uint64_t new_size)
{
    unsigned long flags = acquire();
    struct area **link;
    const struct area *old = find(start, &link);
    unsigned access = old != NULL ? old->access : 0;
    bool whole = is_covered(start, start + size) && old->end >= start + size;
    ub_lock_release(&lock, flags);
    uint64_t moved = whole ? ub_area_create(0, new_size, UB_AREA_ANONYMOUS, access) : 0;
    if (moved == 0) {
        return 0;
    }
    flags = acquire();
    for (uint64_t at = 0; at < size; at += UB_PAGE_SIZE) {
        uint64_t *from = ub_page_entry(start + at, false);
        if (from == NULL || *from == 0) {
            continue;
        }
        uint64_t *to = ub_page_entry(moved + at, true);
        if (to == NULL) {
            ub_panic("out of memory for a page table");
        }
        *to = *from;
        /* The new place waits for one page less, the old one for one more: the sum stays. */
        ub_page_unmap(start + at);
    }
    ub_lock_release(&lock, flags);
    return ub_area_remove(start, size) ? moved : 0;
}

/* The caller holds the lock. */
static bool populate(uint64_t address, bool write)
{
    struct area **link;
    const struct area *area = find(address, &link);
    unsigned needed = write ? UB_AREA_WRITE : UB_AREA_READ | UB_AREA_WRITE;
    bool resolved = false;
    if (area != NULL && area->start <= address && area->kind == UB_AREA_ANONYMOUS &&
        (area->access & needed) != 0) {
        uint64_t page = address & ~UB_PAGE_MASK;
        const uint64_t *entry = ub_page_entry(page, true);
        if (entry != NULL && *entry != 0) {
            resolved = true;
        } else if (entry != NULL) {
            void *memory = ub_page_allocate(1);
            if (memory == NULL) {
                ub_panic("out of memory (%lu pages in all)", ub_page_total_count());
            }
            resolved = ub_page_map(page, ub_direct_physical(memory), page_flags(area));
            if (is_promised(area)) {
                promised--;
            }
        }
    }
    return resolved;
}

bool ub_area_populate(uint64_t address, bool write)
{
    unsigned long flags = acquire();
    bool populated = populate(address, write);
    ub_lock_release(&lock, flags);
    return populated;
}

/* Runs on the page fault's own stack, whose one page is there. */
bool ub_page_fault_resolve(uint64_t address, uint64_t error)
{
    if (address < program_space.end && ub_program_fault_resolve != NULL) {
        return ub_program_fault_resolve(address, error);
    }
    if ((error & FAULT_PRESENT) != 0) {
        return false;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    bool populated = populate(address, (error & FAULT_WRITE) != 0);
    ub_lock_release(&lock, flags);
    return populated;
}
