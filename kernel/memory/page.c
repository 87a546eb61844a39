/*
 * Whole pages: one bit for each page of RAM, set while the page is free.
 *
 * Memory is known by physical addresses here, and by pointers into the direct map outside.
 *
 * Until the bits exist, page tables come off the front of the lowest RAM (`early`). The lowest free
 * pages are taken first: what was used before is used again, so that the monitor's process need not
 * get memory for the rest, and large holes stay at the top. `lowest` is the word of bits below
 * which no page is free.
 */
#include "internal.h"

#include <unibuild/layout.h>
#include <unibuild/lock.h>
#include <unibuild/paging.h>
#include <unibuild/panic.h>

#include <stdbool.h>
#include <string.h>

#define WORD_BITS 64UL
#define LARGE_PAGE (2UL << 20)

static struct ub_lock lock = UB_LOCK_INITIAL;
static uint64_t *free_bits;
static size_t word_count;
static size_t lowest;
static size_t free_count;
static size_t total_count;
static struct ub_memory_range early;

static bool is_free(size_t page)
{
    return (free_bits[page / WORD_BITS] >> page % WORD_BITS & 1) != 0;
}

static void mark(uint64_t start, uint64_t end, bool available)
{
    for (size_t page = start / UB_PAGE_SIZE; page < end / UB_PAGE_SIZE;) {
        uint64_t *word = &free_bits[page / WORD_BITS];
        if (page % WORD_BITS == 0 && end / UB_PAGE_SIZE - page >= WORD_BITS) {
            *word = available ? UINT64_MAX : 0;
            page += WORD_BITS;
            continue;
        }
        uint64_t bit = 1UL << page % WORD_BITS;
        *word = available ? *word | bit : *word & ~bit;
        page++;
    }
}

/* There is one. */
static size_t find_one(void)
{
    while (free_bits[lowest] == 0) {
        lowest++;
    }
    return lowest * WORD_BITS + (size_t)__builtin_ctzl(free_bits[lowest]);
}

static size_t find_run(size_t count)
{
    size_t run = 0;
    for (size_t page = lowest * WORD_BITS; page < word_count * WORD_BITS;) {
        size_t left = WORD_BITS - page % WORD_BITS;
        uint64_t bits = free_bits[page / WORD_BITS] >> page % WORD_BITS;
        if ((bits & 1) == 0) {
            run = 0;
            page += bits != 0 ? (size_t)__builtin_ctzl(bits) : left;
            continue;
        }
        size_t ones = bits != UINT64_MAX ? (size_t)__builtin_ctzl(~bits) : WORD_BITS;
        run += ones;
        page += ones;
        if (run >= count) {
            return page - run;
        }
    }
    return SIZE_MAX;
}

void *ub_page_allocate(size_t count)
{
    ub_stack_probe();
    if (count == 0) {
        return NULL;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    size_t page = count > free_count ? SIZE_MAX : count == 1 ? find_one() : find_run(count);
    if (page != SIZE_MAX) {
        uint64_t start = page * UB_PAGE_SIZE;
        mark(start, start + count * UB_PAGE_SIZE, false);
        free_count -= count;
    }
    ub_lock_release(&lock, flags);
    if (page == SIZE_MAX) {
        return NULL;
    }
    return memset(ub_direct_pointer(page * UB_PAGE_SIZE), 0, count * UB_PAGE_SIZE);
}

void ub_page_free(void *pages, size_t count)
{
    ub_stack_probe();
    uint64_t start = ub_direct_physical(pages);
    UB_ASSERT(start % UB_PAGE_SIZE == 0 && start / UB_PAGE_SIZE + count <= word_count * WORD_BITS);
    unsigned long flags = ub_lock_acquire(&lock);
    UB_ASSERT(!is_free(start / UB_PAGE_SIZE));
    mark(start, start + count * UB_PAGE_SIZE, true);
    free_count += count;
    size_t word = start / UB_PAGE_SIZE / WORD_BITS;
    lowest = word < lowest ? word : lowest;
    ub_lock_release(&lock, flags);
}

size_t ub_page_free_count(void)
{
    return free_count;
}

size_t ub_page_total_count(void)
{
    return total_count;
}

static void *early_allocate(size_t bytes)
{
    size_t size = (bytes + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    if (early.end - early.start < size) {
        return NULL;
    }
    void *memory = ub_direct_pointer(early.start);
    early.start += size;
    return memset(memory, 0, size);
}

uint64_t *ub_page_table_allocate(void)
{
    return free_bits != NULL ? ub_page_allocate(1) : early_allocate(UB_PAGE_SIZE);
}

void ub_page_table_free(uint64_t *table)
{
    ub_page_free(table, 1);
}

/* The entry code mapped everything up to its tables' end; what is not RAM goes. */
static void unmap_holes(const struct ub_memory_range *ranges, size_t count, uint64_t window_end)
{
    uint64_t at = UB_MEMORY_LOWEST;
    for (size_t i = 0; i < count && at < window_end; i++) {
        for (; at < ranges[i].start && at < window_end; at += UB_PAGE_SIZE) {
            ub_page_unmap(ub_direct_map + at);
        }
        at = ranges[i].end;
    }
    for (; at < window_end; at += UB_PAGE_SIZE) {
        ub_page_unmap(ub_direct_map + at);
    }
}

/* Where the image was loaded. */
static struct ub_memory_range image_range(void)
{
    return (struct ub_memory_range){ub_image_physical(ub_image_start),
                                    ub_image_physical(ub_image_end)};
}

/* Free RAM that is mapped already: below the image where there is some, else above it. */
static struct ub_memory_range choose_early(const struct ub_memory_range *ranges, size_t count,
                                           uint64_t window_end)
{
    const struct ub_memory_range image = image_range();
    struct ub_memory_range best = {0, 0};
    for (size_t i = 0; i < count; i++) {
        struct ub_memory_range pieces[] = {
            {ranges[i].start, ranges[i].end},
            {ranges[i].start, ranges[i].end},
        };
        if (pieces[0].end > image.start) {
            pieces[0].end = image.start;
        }
        if (pieces[1].start < image.end) {
            pieces[1].start = image.end;
        }
        if (pieces[1].end > window_end) {
            pieces[1].end = window_end;
        }
        for (size_t j = 0; j < 2; j++) {
            if (pieces[j].start < pieces[j].end &&
                pieces[j].end - pieces[j].start > best.end - best.start) {
                best = pieces[j];
            }
        }
    }
    return best;
}

/* Room for the bits: the early range if it is large enough, else RAM behind the image. */
static uint64_t *place_bits(const struct ub_memory_range *ranges, size_t count, size_t bytes,
                            struct ub_memory_range *placed)
{
    const struct ub_memory_range image = image_range();
    uint64_t first = early.start;
    uint64_t *bits = early_allocate(bytes);
    *placed = (struct ub_memory_range){first, early.start};
    for (size_t i = 0; bits == NULL && i < count; i++) {
        uint64_t start = ranges[i].start;
        if (start < image.end && ranges[i].end > image.start) {
            start = image.end;
        }
        size_t size = (bytes + UB_PAGE_MASK) & ~UB_PAGE_MASK;
        if (start < ranges[i].end && ranges[i].end - start >= size && start != early.start) {
            *placed = (struct ub_memory_range){start, start + size};
            bits = memset(ub_direct_pointer(start), 0, size);
        }
    }
    return bits;
}

void ub_memory_initialize(const struct ub_memory_range *ranges, size_t count)
{
    uint64_t window_end = (uint64_t)(ub_entry_tables_end - ub_entry_tables) * UB_PAGE_SIZE;
    early = choose_early(ranges, count, window_end);
    const uint64_t early_start = early.start;
    unmap_holes(ranges, count, window_end);
    for (size_t i = 0; i < count; i++) {
        uint64_t start = ranges[i].start > window_end ? ranges[i].start : window_end;
        if (start < ranges[i].end && !ub_page_map_direct(start, ranges[i].end)) {
            ub_panic("too little memory for the page tables");
        }
    }

    word_count = (ranges[count - 1].end / UB_PAGE_SIZE + WORD_BITS - 1) / WORD_BITS;
    struct ub_memory_range placed;
    uint64_t *bits = place_bits(ranges, count, word_count * sizeof *bits, &placed);
    if (bits == NULL) {
        ub_panic("too little memory for the page allocator");
    }
    free_bits = bits;
    for (size_t i = 0; i < count; i++) {
        mark(ranges[i].start, ranges[i].end, true);
        total_count += (ranges[i].end - ranges[i].start) / UB_PAGE_SIZE;
    }
    struct ub_memory_range image = image_range();
    mark(image.start, image.end, false);
    mark(early_start, early.start, false);
    mark(placed.start, placed.end, false);
    for (size_t i = 0; i < word_count; i++) {
        free_count += (size_t)__builtin_popcountl(free_bits[i]);
    }
}
