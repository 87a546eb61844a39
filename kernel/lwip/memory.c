/*
 * Memory for lwIP's packets: four sizes of blocks, cut from pages and kept on free lists, so that a
 * packet costs a few instructions; larger requests take pages. All of it together never exceeds an
 * eighth of the machine's memory: beyond that lwIP is told that there is none, and drops or waits.
 * From half of that on memory counts as scarce: what can wait (streams, held frames) is to leave
 * the rest to what cannot (answers, acknowledgements). Called under the network lock.
 */
#include <string.h>

#include <unibuild/memory.h>

#include "arch/cc.h"

#define SMALLEST_SHIFT 8u
#define LARGEST_SHIFT 11u
#define CLASSES (LARGEST_SHIFT - SMALLEST_SHIFT + 1)
#define MINIMUM_PAGES 64u

/* In front of each block. `pages` is 0 for a block of a class. */
struct header {
    uint32_t class;
    uint32_t pages;
    struct header *next; /* while free */
};

_Static_assert(sizeof(struct header) == 16, "blocks stay 16-byte aligned");

static struct header *free_blocks[CLASSES];
static size_t pages_taken;
static size_t bytes_used;

static size_t page_limit(void)
{
    size_t limit = ub_page_total_count() / 8;
    return limit < MINIMUM_PAGES ? MINIMUM_PAGES : limit;
}

bool ub_lwip_memory_scarce(void)
{
    return bytes_used > page_limit() * UB_PAGE_SIZE / 2;
}

static void *take_pages(size_t count)
{
    size_t limit = page_limit();
    if (count > limit || pages_taken > limit - count) {
        return NULL;
    }
    void *pages = ub_page_allocate(count);
    if (pages != NULL) {
        pages_taken += count;
    }
    return pages;
}

static struct header *refill(unsigned class)
{
    size_t size = (size_t)1 << (SMALLEST_SHIFT + class);
    char *page = take_pages(1);
    if (page == NULL) {
        return NULL;
    }
    for (size_t offset = 0; offset < UB_PAGE_SIZE; offset += size) {
        struct header *block = (struct header *)(page + offset);
        block->class = class;
        block->pages = 0;
        block->next = free_blocks[class];
        free_blocks[class] = block;
    }
    return free_blocks[class];
}

void *ub_lwip_allocate(size_t size)
{
    size += sizeof(struct header);
    struct header *block;
    if (size > (1u << LARGEST_SHIFT)) {
        size_t pages = (size + UB_PAGE_SIZE - 1) / UB_PAGE_SIZE;
        block = take_pages(pages);
        if (block == NULL) {
            return NULL;
        }
        block->pages = (uint32_t)pages;
        bytes_used += pages * UB_PAGE_SIZE;
        return block + 1;
    }
    unsigned class = 0;
    while (size > (size_t)1 << (SMALLEST_SHIFT + class)) {
        class++;
    }
    block = free_blocks[class];
    if (block == NULL) {
        block = refill(class);
        if (block == NULL) {
            return NULL;
        }
    }
    free_blocks[class] = block->next;
    bytes_used += (size_t)1 << (SMALLEST_SHIFT + class);
    return block + 1;
}

void *ub_lwip_allocate_zeroed(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *memory = ub_lwip_allocate(total);
    if (memory != NULL) {
        memset(memory, 0, total);
    }
    return memory;
}

void ub_lwip_free(void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct header *block = (struct header *)memory - 1;
    if (block->pages != 0) {
        pages_taken -= block->pages;
        bytes_used -= block->pages * UB_PAGE_SIZE;
        ub_page_free(block, block->pages);
        return;
    }
    bytes_used -= (size_t)1 << (SMALLEST_SHIFT + block->class);
    block->next = free_blocks[block->class];
    free_blocks[block->class] = block;
}
