/* Areas of the program: splitting, merging, adding and clearing them; see space.h. */
#include "space.h"

#include <unibuild/file.h>
#include <unibuild/lock.h>

#define AREAS_MAXIMUM 65530 /* Linux: vm.max_map_count */
#define SPACE_END (1UL << 47)
#define ONE_OVER_MEMORY ((1UL << 30) / UB_PAGE_SIZE)
#define COMMITTED_MAXIMUM ((512UL << 30) / UB_PAGE_SIZE)

struct ub_space ub_space;
static struct ub_lock lock = UB_LOCK_INITIAL;

unsigned long ub_space_enter(void)
{
    return ub_lock_acquire(&lock);
}

void ub_space_leave(unsigned long flags)
{
    struct ub_area *gone = ub_space.gone;
    ub_space.gone = NULL;
    ub_lock_release(&lock, flags);
    while (gone != NULL) {
        struct ub_area *next = gone->right;
        if (gone->file != NULL) {
            ub_file_put(gone->file);
        }
        ub_heap_free(gone);
        gone = next;
    }
}

bool ub_space_valid(uint64_t start, uint64_t size)
{
    return size <= UB_USER_END && start >= UB_PROGRAM_LOWEST && start <= UB_USER_END - size;
}

/* What was once writable may hold something, so it counts until it goes. */
static bool counts(const struct ub_area *area)
{
    const unsigned what = UB_AREA_WAS_WRITABLE | UB_AREA_SHARED | UB_AREA_UNRESERVED;
    return (area->flags & what) == UB_AREA_WAS_WRITABLE;
}

bool ub_space_commit(const struct ub_area *area, uint64_t pages)
{
    if (!counts(area)) {
        return true;
    }
    if (pages > ub_page_total_count() + ONE_OVER_MEMORY ||
        pages > COMMITTED_MAXIMUM - ub_space.committed) {
        return false;
    }
    ub_space.committed += pages;
    return true;
}

static void retire(struct ub_area *area)
{
    ub_areas_remove(&ub_space.areas, area);
    area->right = ub_space.gone;
    ub_space.gone = area;
}

bool ub_space_covered(uint64_t start, uint64_t end)
{
    const struct ub_area *area = ub_areas_find(&ub_space.areas, start);
    for (; area != NULL && area->start <= start; area = ub_areas_next(area)) {
        start = area->end;
        if (start >= end) {
            return true;
        }
    }
    return false;
}

static bool split(uint64_t address)
{
    struct ub_area *area = ub_areas_find(&ub_space.areas, address);
    if (area == NULL || area->start >= address) {
        return true;
    }
    struct ub_area *upper =
        ub_space.areas.count < AREAS_MAXIMUM ? ub_heap_allocate(sizeof *upper) : NULL;
    if (upper == NULL) {
        return false;
    }
    *upper = *area;
    upper->start = address;
    upper->offset += address - area->start;
    if (upper->file != NULL) {
        ub_file_hold(upper->file);
    }
    ub_areas_resize(area, area->start, address);
    ub_areas_insert(&ub_space.areas, upper);
    return true;
}

bool ub_space_split(uint64_t start, uint64_t end)
{
    return split(start) && split(end);
}

/* Whether `upper` goes on where `lower` ends, in every respect. */
static bool continues(const struct ub_area *lower, const struct ub_area *upper)
{
    return lower->end == upper->start && lower->access == upper->access &&
           lower->source == upper->source && lower->flags == upper->flags &&
           lower->file == upper->file && lower->bytes == upper->bytes &&
           lower->limit == upper->limit &&
           (lower->source == UB_SOURCE_ZEROES ||
            lower->offset + (lower->end - lower->start) == upper->offset);
}

void ub_space_merge(uint64_t address)
{
    struct ub_area *lower = ub_areas_find(&ub_space.areas, address - 1);
    struct ub_area *upper = lower != NULL ? ub_areas_next(lower) : NULL;
    if (upper != NULL && lower->end == address && continues(lower, upper)) {
        uint64_t end = upper->end;
        retire(upper);
        ub_areas_resize(lower, lower->start, end);
    }
}

bool ub_space_add(const struct ub_area *model)
{
    uint64_t pages = (model->end - model->start) / UB_PAGE_SIZE;
    if (!ub_space_commit(model, pages)) {
        return false;
    }
    struct ub_area *lower = ub_areas_find(&ub_space.areas, model->start - 1);
    if (lower != NULL && continues(lower, model)) {
        ub_areas_resize(lower, lower->start, model->end);
        if (model->file != NULL) {
            ub_file_put(model->file); /* never the last */
        }
    } else {
        struct ub_area *area =
            ub_space.areas.count < AREAS_MAXIMUM ? ub_heap_allocate(sizeof *area) : NULL;
        if (area == NULL) {
            ub_space.committed -= counts(model) ? pages : 0;
            return false;
        }
        *area = *model;
        ub_areas_insert(&ub_space.areas, area);
    }
    ub_space.mapped += pages;
    ub_space_merge(model->end);
    return true;
}

bool ub_space_clear(uint64_t start, uint64_t end)
{
    if (ub_areas_free(&ub_space.areas, start, end)) {
        return true;
    }
    if (!ub_space_split(start, end)) {
        return false;
    }
    struct ub_area *area = ub_areas_find(&ub_space.areas, start);
    while (area != NULL && area->start < end) {
        struct ub_area *next = ub_areas_next(area);
        uint64_t pages = (area->end - area->start) / UB_PAGE_SIZE;
        ub_space.mapped -= pages;
        ub_space.committed -= counts(area) ? pages : 0;
        retire(area);
        area = next;
    }
    const struct ub_area *previous = NULL;
    if (area != NULL) {
        previous = ub_areas_previous(area);
    } else {
        for (struct ub_area *at = ub_space.areas.root; at != NULL; at = at->right) {
            previous = at;
        }
    }
    ub_page_release(start, end, previous != NULL ? previous->end : 0,
                    area != NULL ? area->start : SPACE_END);
    return true;
}
