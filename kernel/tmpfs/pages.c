#include <string.h>

#include <unibuild/memory.h>

#include "pages.h"

#define PLACES_BITS 9U
#define PLACES (1UL << PLACES_BITS)
#define LIMIT_SHARE 2U /* half of the memory */

static uint64_t used;

uint64_t ub_tmpfs_used(void)
{
    return __atomic_load_n(&used, __ATOMIC_RELAXED);
}

uint64_t ub_tmpfs_limit(void)
{
    return ub_page_total_count() / LIMIT_SHARE;
}

static void *take(void)
{
    if (__atomic_add_fetch(&used, 1, __ATOMIC_RELAXED) <= ub_tmpfs_limit()) {
        void *page = ub_page_allocate(1);
        if (page != NULL) {
            return page;
        }
    }
    (void)__atomic_sub_fetch(&used, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void give(void *page)
{
    ub_page_free(page, 1);
    (void)__atomic_sub_fetch(&used, 1, __ATOMIC_RELAXED);
}

/* Of the table at `height` (1: its places are pages). */
static size_t place_of(uint64_t index, unsigned height)
{
    return (index >> (PLACES_BITS * (height - 1))) & (PLACES - 1);
}

static bool covers(const struct ub_tmpfs_pages *pages, uint64_t index)
{
    return index >> (PLACES_BITS * pages->height) == 0;
}

void *ub_tmpfs_pages_find(const struct ub_tmpfs_pages *pages, uint64_t index)
{
    void *at = covers(pages, index) ? pages->root : NULL;
    for (unsigned height = pages->height; height > 0 && at != NULL; height--) {
        at = ((void **)at)[place_of(index, height)];
    }
    return at;
}

void *ub_tmpfs_pages_make(struct ub_tmpfs_pages *pages, uint64_t index)
{
    while (!covers(pages, index)) {
        if (pages->root != NULL) {
            void **table = take();
            if (table == NULL) {
                return NULL;
            }
            table[0] = pages->root;
            pages->root = table;
        }
        pages->height++;
    }
    void **place = &pages->root;
    for (unsigned height = pages->height;; height--) {
        if (*place == NULL) {
            *place = take();
            if (*place == NULL) {
                return NULL;
            }
            pages->count += height == 0;
        }
        if (height == 0) {
            return *place;
        }
        place = &((void **)*place)[place_of(index, height)];
    }
}

/* Below `*place`, which has `height` tables and begins at page `start`. */
static void drop_below(struct ub_tmpfs_pages *pages, void **place, unsigned height, uint64_t start,
                       uint64_t first, uint64_t end, bool keep)
{
    uint64_t span = 1UL << (PLACES_BITS * height);
    if (*place == NULL || start >= end || start + span <= first) {
        return;
    }
    if (height == 0) {
        if (keep) {
            memset(*place, 0, UB_PAGE_SIZE);
            return;
        }
        give(*place);
        *place = NULL;
        pages->count--;
        return;
    }
    void **table = *place;
    uint64_t step = span >> PLACES_BITS;
    for (size_t i = 0; i < PLACES; i++) {
        drop_below(pages, &table[i], height - 1, start + i * step, first, end, keep);
    }
    if (!keep && first <= start && start + span <= end) {
        give(table);
        *place = NULL;
    }
}

void ub_tmpfs_pages_drop(struct ub_tmpfs_pages *pages, uint64_t first, uint64_t end, bool keep)
{
    drop_below(pages, &pages->root, pages->height, 0, first, end, keep);
}
