/*
 * The areas of a program's address space: disjoint ranges in order of their addresses.
 *
 * A treap: a search tree by address that is a heap by a drawn priority, so its depth stays near the
 * logarithm of the number of areas, of which programs with thousands of threads have thousands.
 * Each area knows the free space in front of it, and the largest such space of its subtree, so that
 * room for a new area is found as quickly. Nothing here allocates or locks.
 */
#ifndef UNIBUILD_LINUX_AREAS_H
#define UNIBUILD_LINUX_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ub_file;

enum ub_area_source {
    UB_SOURCE_ZEROES,
    UB_SOURCE_BYTES, /* contents that never move: `bytes` */
    UB_SOURCE_PAGES, /* `file` is asked for each page */
};

/* In `flags`: */
#define UB_AREA_SHARED 1U       /* writes go to the file's pages */
#define UB_AREA_WAS_WRITABLE 2U /* so it never becomes executable */
#define UB_AREA_FIXED_ACCESS 4U /* may never become writable */
#define UB_AREA_GROWS_DOWN 8U
#define UB_AREA_HEAP 16U       /* brk's */
#define UB_AREA_STACK 32U      /* the first thread's */
#define UB_AREA_UNRESERVED 64U /* MAP_NORESERVE: not counted as memory that may be needed */

struct ub_area {
    uint64_t start, end;
    struct ub_area *left, *right, *parent;
    uint64_t gap;         /* free bytes in front of it, from the area before or from 0 on */
    uint64_t gap_maximum; /* in its subtree */
    uint32_t priority;
    uint8_t access; /* UB_PROGRAM_* */
    uint8_t source;
    uint8_t flags;
    const char *bytes;    /* UB_SOURCE_BYTES: at offset 0 */
    struct ub_file *file; /* a reference, or NULL */
    uint64_t offset;      /* at `start` */
    uint64_t limit;       /* UB_SOURCE_BYTES: the offset at which `bytes` ends */
};

struct ub_areas {
    struct ub_area *root;
    uint32_t state; /* of the priorities' generator */
    size_t count;
};

/* The area that holds `address`, else the first above it; NULL: none. */
struct ub_area *ub_areas_find(const struct ub_areas *areas, uint64_t address);
struct ub_area *ub_areas_next(const struct ub_area *area);
struct ub_area *ub_areas_previous(const struct ub_area *area);

/* The range must be free. */
void ub_areas_insert(struct ub_areas *areas, struct ub_area *area);
void ub_areas_remove(struct ub_areas *areas, struct ub_area *area);
/* Gives an area another range; what it gains must be free, and the order stays. */
void ub_areas_resize(struct ub_area *area, uint64_t start, uint64_t end);

bool ub_areas_free(const struct ub_areas *areas, uint64_t start, uint64_t end);
/* The highest free range of `size` bytes within [low, high); 0: none. */
uint64_t ub_areas_room(const struct ub_areas *areas, uint64_t size, uint64_t low, uint64_t high);

#endif
