/*
 * The tree of areas against a plain array of pages: random ranges are inserted, removed and
 * resized; finding, neighbours, free ranges and the highest room must be what the array says.
 */
#include "areas.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGES 1024UL
#define PAGE 4096UL
#define ROUNDS 60000

static struct ub_area *model[PAGES]; /* who holds a page */
static struct ub_areas areas;

static void require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static uint64_t random_page(void)
{
    return 1 + (uint64_t)rand() % (PAGES - 1);
}

static bool model_free(uint64_t start, uint64_t end)
{
    for (; start < end; start++) {
        if (model[start] != NULL) {
            return false;
        }
    }
    return true;
}

static void model_set(uint64_t start, uint64_t end, struct ub_area *area)
{
    for (; start < end; start++) {
        model[start] = area;
    }
}

static uint64_t model_room(uint64_t size, uint64_t low, uint64_t high)
{
    for (uint64_t at = high; at >= low + size; at--) {
        if (model_free(at - size, at)) {
            return at - size;
        }
    }
    return 0;
}

static struct ub_area *model_find(uint64_t page)
{
    while (page < PAGES && model[page] == NULL) {
        page++;
    }
    return page < PAGES ? model[page] : NULL;
}

static void insert(uint64_t start, uint64_t end)
{
    bool possible = model_free(start, end);
    require(ub_areas_free(&areas, start * PAGE, end * PAGE) == possible, "free ranges differ");
    if (possible) {
        struct ub_area *area = calloc(1, sizeof *area);
        area->start = start * PAGE;
        area->end = end * PAGE;
        ub_areas_insert(&areas, area);
        model_set(start, end, area);
    }
}

static void drop(struct ub_area *area)
{
    model_set(area->start / PAGE, area->end / PAGE, NULL);
    ub_areas_remove(&areas, area);
    free(area);
}

static void resize(struct ub_area *area)
{
    uint64_t start = area->start / PAGE;
    uint64_t end = area->end / PAGE;
    model_set(start, end, NULL);
    start += start + 1 < end && rand() % 2 ? 1 : 0;
    start -= start > 1 && model[start - 1] == NULL && rand() % 2 ? 1 : 0;
    end += end < PAGES && model[end] == NULL ? 1 : 0;
    ub_areas_resize(area, start * PAGE, end * PAGE);
    model_set(start, end, area);
}

/* The parts of the tree fit together; returns the depth. */
static unsigned check(const struct ub_area *area, const struct ub_area *parent)
{
    if (area == NULL) {
        return 0;
    }
    require(area->parent == parent, "a parent is wrong");
    require(parent == NULL || parent->priority >= area->priority, "the heap's order is broken");
    uint64_t maximum = area->gap;
    if (area->left != NULL && area->left->gap_maximum > maximum) {
        maximum = area->left->gap_maximum;
    }
    if (area->right != NULL && area->right->gap_maximum > maximum) {
        maximum = area->right->gap_maximum;
    }
    require(area->gap_maximum == maximum, "the largest gap of a subtree is wrong");
    const struct ub_area *previous = ub_areas_previous(area);
    require(area->gap == area->start - (previous != NULL ? previous->end : 0), "a gap is wrong");
    unsigned left = check(area->left, area);
    unsigned right = check(area->right, area);
    return 1 + (left > right ? left : right);
}

static void check_order(void)
{
    size_t count = 0;
    const struct ub_area *previous = NULL;
    for (const struct ub_area *area = ub_areas_find(&areas, 0); area != NULL;
         area = ub_areas_next(area)) {
        require(previous == NULL || previous->end <= area->start, "areas overlap");
        require(ub_areas_previous(area) == previous, "neighbours do not agree");
        previous = area;
        count++;
    }
    require(count == areas.count, "the count is wrong");
}

static void test_model(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t page = random_page();
        struct ub_area *area = model_find(page);
        require(ub_areas_find(&areas, page * PAGE + 7) == area, "find");
        int what = rand() % 8;
        if (what < 4) {
            uint64_t end = page + 1 + (uint64_t)rand() % 6;
            insert(page, end < PAGES ? end : PAGES);
        } else if (what < 6 && area != NULL) {
            drop(area);
        } else if (area != NULL) {
            resize(area);
        }
        uint64_t low = random_page();
        uint64_t high = random_page();
        uint64_t size = 1 + (uint64_t)rand() % 12;
        require(ub_areas_room(&areas, size * PAGE, low * PAGE, high * PAGE) ==
                    (low < high ? model_room(size, low, high) * PAGE : 0),
                "room differs");
        if (round % 256 == 0) {
            check(areas.root, NULL);
            check_order();
        }
    }
    while (areas.root != NULL) {
        drop(areas.root);
    }
    require(areas.count == 0, "areas are left");
}

/* In rising order, as programs map: the tree may not become a list. */
static void test_depth(void)
{
    enum { COUNT = 65536 };
    for (uint64_t i = 1; i <= COUNT; i++) {
        struct ub_area *area = calloc(1, sizeof *area);
        area->start = i * 2 * PAGE;
        area->end = area->start + PAGE;
        ub_areas_insert(&areas, area);
    }
    unsigned depth = check(areas.root, NULL);
    require(depth < 64, "the tree is too deep");
    require(ub_areas_room(&areas, PAGE, PAGE, (2 * COUNT + 1) * PAGE) == (2 * COUNT - 1) * PAGE,
            "the highest room of many");
    require(ub_areas_room(&areas, 2 * PAGE, 0, (2 * COUNT + 1) * PAGE) == 0,
            "a room where there is none: the first two pages are at address 0");
    while (areas.root != NULL) {
        struct ub_area *area = areas.root;
        ub_areas_remove(&areas, area);
        free(area);
    }
}

int main(void)
{
    srand(1);
    test_model();
    test_depth();
    return 0;
}
