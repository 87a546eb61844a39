/* Mapping and changing access as a program asks for it, under the rules of program_memory.h. */
#include "space.h"

#include <errno.h>

#define FILL_SPAN (256UL << 10) /* under one lock */

/* Weak: images that are put together by hand, as in tests, need not say it. */
extern const uint8_t ub_image_allow_exec_mappings __attribute__((weak));

static bool everything_allowed(void)
{
    return &ub_image_allow_exec_mappings != NULL && ub_image_allow_exec_mappings != 0;
}

bool ub_space_may_have(unsigned access)
{
    const unsigned both = UB_PROGRAM_WRITE | UB_PROGRAM_EXECUTE;
    return (access & both) != both || everything_allowed();
}

/* Whether an area may get this access, by what it is and was. */
static bool may_become(const struct ub_area *area, unsigned access)
{
    if ((access & UB_PROGRAM_WRITE) != 0 && (area->flags & UB_AREA_FIXED_ACCESS) != 0) {
        return false;
    }
    if ((access & UB_PROGRAM_EXECUTE) == 0 || everything_allowed()) {
        return true;
    }
    return area->source == UB_SOURCE_BYTES && (area->flags & UB_AREA_WAS_WRITABLE) == 0 &&
           (access & UB_PROGRAM_WRITE) == 0;
}

static uint8_t flags_with(const struct ub_area *area, unsigned access)
{
    return area->flags | ((access & UB_PROGRAM_WRITE) != 0 ? UB_AREA_WAS_WRITABLE : 0);
}

uint64_t ub_space_map(const struct ub_area *model, uint64_t size, bool replace, long *error)
{
    struct ub_area area = *model;
    if (!may_become(model, model->access) && !(model->source == UB_SOURCE_ZEROES)) {
        *error = -EACCES;
        return 0;
    }
    *error = -ENOMEM;
    area.flags = flags_with(model, model->access);
    unsigned long flags = ub_space_enter();
    bool possible = true;
    if (area.start == 0) {
        area.start = ub_space_room(size);
        possible = area.start != 0;
    } else if (replace) {
        possible = ub_space_clear(area.start, area.start + size);
    } else if (!ub_areas_free(&ub_space.areas, area.start, area.start + size)) {
        *error = -EEXIST;
        possible = false;
    }
    area.end = area.start + size;
    possible = possible && ub_space_add(&area);
    ub_space_leave(flags);
    return possible ? area.start : 0;
}

static bool change(struct ub_area *area, unsigned access)
{
    struct ub_area changed = *area;
    changed.flags = flags_with(area, access);
    if (changed.flags != area->flags &&
        !ub_space_commit(&changed, (area->end - area->start) / UB_PAGE_SIZE)) {
        return false;
    }
    area->flags = changed.flags;
    area->access = (uint8_t)access;
    ub_page_apply(area);
    return true;
}

static long protect(uint64_t start, uint64_t end, unsigned access)
{
    if (!ub_space_covered(start, end)) {
        return -ENOMEM;
    }
    struct ub_area *first = ub_areas_find(&ub_space.areas, start);
    for (const struct ub_area *area = first; area != NULL && area->start < end;
         area = ub_areas_next(area)) {
        if (!may_become(area, access)) {
            return -EACCES;
        }
    }
    if (!ub_space_split(start, end)) {
        return -ENOMEM;
    }
    for (struct ub_area *area = ub_areas_find(&ub_space.areas, start);
         area != NULL && area->start < end; area = ub_areas_next(area)) {
        if (area->access != access && !change(area, access)) {
            return -ENOMEM;
        }
    }
    uint64_t at = start;
    while (at <= end) {
        ub_space_merge(at);
        const struct ub_area *area = ub_areas_find(&ub_space.areas, at);
        if (area == NULL || area->end <= at) {
            break;
        }
        at = area->end;
    }
    return 0;
}

long ub_space_protect(uint64_t start, uint64_t size, unsigned access)
{
    if (!ub_space_may_have(access)) {
        return -EACCES;
    }
    unsigned long flags = ub_space_enter();
    long result = protect(start, start + size, access);
    ub_space_leave(flags);
    return result;
}

bool ub_space_fill(uint64_t start, uint64_t end)
{
    bool filled = true;
    while (start < end && filled) {
        uint64_t next = end - start < FILL_SPAN ? end : start + FILL_SPAN;
        unsigned long flags = ub_space_enter();
        filled = ub_space_covered(start, next) && ub_page_ready_all(start, next) == UB_PAGE_THERE;
        ub_space_leave(flags);
        start = next;
    }
    return filled;
}
