/* A treap of areas with the free space before each; see areas.h. */
#include "areas.h"

static uint32_t draw(struct ub_areas *areas)
{
    /* Marsaglia's xorshift, 32 bits. */
    uint32_t x = areas->state != 0 ? areas->state : 0x9e3779b9;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    areas->state = x;
    return x;
}

static uint64_t gap_of(const struct ub_area *area)
{
    return area != NULL ? area->gap_maximum : 0;
}

static void refresh(struct ub_area *area)
{
    uint64_t maximum = area->gap;
    uint64_t left = gap_of(area->left);
    uint64_t right = gap_of(area->right);
    maximum = left > maximum ? left : maximum;
    area->gap_maximum = right > maximum ? right : maximum;
}

/* Sets the space before an area, and what depends on it. */
static void measure(struct ub_area *area)
{
    const struct ub_area *previous = ub_areas_previous(area);
    area->gap = area->start - (previous != NULL ? previous->end : 0);
    for (; area != NULL; area = area->parent) {
        refresh(area);
    }
}

static void measure_both(struct ub_area *area)
{
    struct ub_area *next = ub_areas_next(area);
    measure(area);
    if (next != NULL) {
        measure(next);
    }
}

static struct ub_area **link_to(struct ub_areas *areas, const struct ub_area *area)
{
    if (area->parent == NULL) {
        return &areas->root;
    }
    return area->parent->left == area ? &area->parent->left : &area->parent->right;
}

/* An area takes its parent's place and becomes its parent. */
static void rotate_up(struct ub_areas *areas, struct ub_area *area)
{
    struct ub_area *parent = area->parent;
    struct ub_area *moved;
    *link_to(areas, parent) = area;
    if (parent->left == area) {
        moved = area->right;
        parent->left = moved;
        area->right = parent;
    } else {
        moved = area->left;
        parent->right = moved;
        area->left = parent;
    }
    if (moved != NULL) {
        moved->parent = parent;
    }
    area->parent = parent->parent;
    parent->parent = area;
    refresh(parent);
    refresh(area);
}

struct ub_area *ub_areas_find(const struct ub_areas *areas, uint64_t address)
{
    struct ub_area *found = NULL;
    for (struct ub_area *area = areas->root; area != NULL;) {
        if (area->end <= address) {
            area = area->right;
        } else {
            found = area;
            area = area->left;
        }
    }
    return found;
}

struct ub_area *ub_areas_next(const struct ub_area *area)
{
    struct ub_area *next = area->right;
    if (next != NULL) {
        while (next->left != NULL) {
            next = next->left;
        }
        return next;
    }
    for (next = area->parent; next != NULL && next->right == area; next = next->parent) {
        area = next;
    }
    return next;
}

struct ub_area *ub_areas_previous(const struct ub_area *area)
{
    struct ub_area *previous = area->left;
    if (previous != NULL) {
        while (previous->right != NULL) {
            previous = previous->right;
        }
        return previous;
    }
    for (previous = area->parent; previous != NULL && previous->left == area;
         previous = previous->parent) {
        area = previous;
    }
    return previous;
}

void ub_areas_insert(struct ub_areas *areas, struct ub_area *area)
{
    struct ub_area *parent = NULL;
    struct ub_area **at = &areas->root;
    while (*at != NULL) {
        parent = *at;
        at = area->start < parent->start ? &parent->left : &parent->right;
    }
    area->left = NULL;
    area->right = NULL;
    area->parent = parent;
    area->priority = draw(areas);
    *at = area;
    measure_both(area);
    while (area->parent != NULL && area->parent->priority < area->priority) {
        rotate_up(areas, area);
    }
    areas->count++;
}

void ub_areas_remove(struct ub_areas *areas, struct ub_area *area)
{
    struct ub_area *next = ub_areas_next(area);
    while (area->left != NULL || area->right != NULL) {
        bool left = area->right == NULL ||
                    (area->left != NULL && area->left->priority > area->right->priority);
        rotate_up(areas, left ? area->left : area->right);
    }
    *link_to(areas, area) = NULL;
    for (struct ub_area *parent = area->parent; parent != NULL; parent = parent->parent) {
        refresh(parent);
    }
    if (next != NULL) {
        measure(next);
    }
    areas->count--;
}

void ub_areas_resize(struct ub_area *area, uint64_t start, uint64_t end)
{
    area->start = start;
    area->end = end;
    measure_both(area);
}

bool ub_areas_free(const struct ub_areas *areas, uint64_t start, uint64_t end)
{
    const struct ub_area *area = ub_areas_find(areas, start);
    return area == NULL || area->start >= end;
}

/* The last area of a subtree with at least `size` bytes free before it. */
static const struct ub_area *last_with_gap(const struct ub_area *area, uint64_t size)
{
    for (;;) {
        if (gap_of(area->right) >= size) {
            area = area->right;
        } else if (area->gap >= size) {
            return area;
        } else {
            area = area->left;
        }
    }
}

/* The last area before `area` with at least `size` bytes free before it. */
static const struct ub_area *previous_with_gap(const struct ub_area *area, uint64_t size)
{
    for (;;) {
        if (gap_of(area->left) >= size) {
            return last_with_gap(area->left, size);
        }
        const struct ub_area *parent = area->parent;
        while (parent != NULL && parent->left == area) {
            area = parent;
            parent = area->parent;
        }
        if (parent == NULL || parent->gap >= size) {
            return parent;
        }
        area = parent;
    }
}

static const struct ub_area *last(const struct ub_areas *areas)
{
    const struct ub_area *area = areas->root;
    while (area != NULL && area->right != NULL) {
        area = area->right;
    }
    return area;
}

uint64_t ub_areas_room(const struct ub_areas *areas, uint64_t size, uint64_t low, uint64_t high)
{
    if (low >= high || high - low < size) {
        return 0;
    }
    /* The space that `high` ends: before the first area that reaches above it. */
    const struct ub_area *area = ub_areas_find(areas, high - 1);
    const struct ub_area *below = area != NULL ? ub_areas_previous(area) : last(areas);
    uint64_t start = below != NULL ? below->end : 0;
    uint64_t end = area != NULL && area->start < high ? area->start : high;
    start = start > low ? start : low;
    if (end > start && end - start >= size) {
        return end - size;
    }
    if (below == NULL) {
        return 0;
    }
    const struct ub_area *found = below->gap >= size ? below : previous_with_gap(below, size);
    if (found == NULL || found->start < low || found->start - low < size) {
        return 0;
    }
    return found->start - size;
}
