/*
 * The one address space of a program in ring 3, inside kernel/linux/memory.
 *
 * `areas` says what is allowed where; the page tables hold what is there already, and can always be
 * emptied of pages that are not the program's own. An entry is in one of four states:
 *
 *     0                           nothing yet: a touch finds the page by its area
 *     present                     the image's page, a file's, or the zero page: not to be written
 *                                 to but where a file is shared
 *     present + ENTRY_OWN         a page of the program alone, given back when it goes
 *     ENTRY_OWN, not present      the same, while its area allows no access
 *
 * Memory is not reserved when it is mapped: like Linux by default, more can be mapped than there
 * is, since programs map far more than they touch (Go's and Java's heaps). Two limits let
 * allocation fail where a program counts on that: one mapping that is larger than all memory by 1
 * GiB, and 512 GiB of all that may be written to (shared files and MAP_NORESERVE aside) are
 * refused. When the last page is gone the program ends, as by Linux's OOM killer, with status 137
 * and a line that names the limit.
 *
 * Whoever changes areas or entries holds the lock, interrupts disabled. Areas that go are put on a
 * list, since a file's last reference cannot be given up under a lock; ub_space_leave does that.
 */
#ifndef UNIBUILD_LINUX_SPACE_H
#define UNIBUILD_LINUX_SPACE_H

#include "areas.h"

#include <unibuild/memory.h>
#include <unibuild/program_memory.h>
#include <unibuild/user.h>

#define UB_ENTRY_OWN 0x200UL
#define UB_ACCESS_MASK (UB_PROGRAM_READ | UB_PROGRAM_WRITE | UB_PROGRAM_EXECUTE)
/* What stays free below a stack, and around places that are drawn (Linux: stack_guard_gap). */
#define UB_GUARD_SIZE (1UL << 20)

struct ub_space {
    struct ub_areas areas;
    struct ub_area *gone; /* linked by `right` */
    uint64_t top;         /* rooms are looked for below this first; drawn */
    uint64_t heap_start, heap_end;
    uint64_t mapped, committed, resident, resident_maximum; /* pages */
};
extern struct ub_space ub_space;

unsigned long ub_space_enter(void);
void ub_space_leave(unsigned long flags);

static inline uint64_t ub_page_up(uint64_t size)
{
    return (size + UB_PAGE_MASK) & ~UB_PAGE_MASK;
}

/* True when the program may have something in all of [start, start + size). */
bool ub_space_valid(uint64_t start, uint64_t size);
/* A free place below `top`, or anywhere when there is none; 0: none. Page-aligned size. */
uint64_t ub_space_room(uint64_t size);

/* ---- Areas (space.c). All hold the lock. ------------------------------------------------------
 */

/* True when [start, end) is covered without gap. */
bool ub_space_covered(uint64_t start, uint64_t end);
/* Makes both ends borders between areas. False: out of memory. */
bool ub_space_split(uint64_t start, uint64_t end);
/* Whether the limits allow so many more pages of an area; if so, those that count are counted. */
bool ub_space_commit(const struct ub_area *area, uint64_t pages);
/* A new area like `model`, which must be free; grows a neighbour when that is the same. */
bool ub_space_add(const struct ub_area *model);
/* Unmaps [start, end). False: out of memory. */
bool ub_space_clear(uint64_t start, uint64_t end);
/* Makes one area of those around `address` where they continue each other. */
void ub_space_merge(uint64_t address);

/* ---- Pages (pages.c). All hold the lock. ------------------------------------------------------
 */

enum ub_page_result {
    UB_PAGE_THERE,
    UB_PAGE_DENIED,
    UB_PAGE_BEYOND, /* the file ends before */
    UB_PAGE_NO_MEMORY,
};

/* Makes the page at `address` of an area ready for `access` (one of UB_PROGRAM_*). */
enum ub_page_result ub_page_ready(const struct ub_area *area, uint64_t address, unsigned access);
/* Readies all of [start, end), which is covered, for what its areas allow. */
enum ub_page_result ub_page_ready_all(uint64_t start, uint64_t end);
/* Empties the entries; pages of the program's own go back. Tables go that map nothing else than
 * [floor, ceiling), in which there is nothing besides. */
void ub_page_release(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling);
/* Brings the entries in line with an area's access. */
void ub_page_apply(const struct ub_area *area);
/* Moves entries; false, and nothing moved: out of memory for tables. */
bool ub_page_move(uint64_t from, uint64_t to, uint64_t size);

/* ---- Requests of the program (request.c). They take the lock themselves. -----------------------
 */

/* False when no area of this image may have such access. */
bool ub_space_may_have(unsigned access);
/* Maps as `model` says; at model->start exactly, after unmapping what is there when `replace`, or
 * anywhere when model->start is 0. Returns the address, or 0 and `*error` -EEXIST, -EACCES or
 * -ENOMEM; then a file's reference is still the caller's. */
uint64_t ub_space_map(const struct ub_area *model, uint64_t size, bool replace, long *error);
/* Changes the access of a range. 0 or -errno. */
long ub_space_protect(uint64_t start, uint64_t size, unsigned access);
/* Readies [start, end) as ub_page_ready_all does, but lets interrupts and other threads come
 * between: there may be gigabytes to zero. False: not all of it is covered, or memory is out. */
bool ub_space_fill(uint64_t start, uint64_t end);

/* The range of an address and a length as system calls get them, whole pages. False: not one. */
static inline bool ub_range_valid(uint64_t start, uint64_t *size)
{
    if ((start & UB_PAGE_MASK) != 0 || *size > UB_USER_END) {
        return false;
    }
    *size = ub_page_up(*size);
    return true;
}

#endif
