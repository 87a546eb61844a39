/*
 * The kernel heap: pages cut into objects of one size each, sizes from 16 to 2032 bytes. The page's
 * header is found by rounding an object's address down. A page whose objects are all free goes
 * back. Larger requests get pages of their own behind a header that says how many.
 */
#include "internal.h"

#include <unibuild/lock.h>
#include <unibuild/panic.h>

#include <string.h>

struct object {
    struct object *next;
};

struct page_header {
    struct page_header *next, *previous; /* among the pages of this size with free objects */
    struct object *free;
    uint16_t used;
    uint16_t class; /* index into sizes, or CLASS_PAGES */
    uint32_t pages;
};
#define HEADER_SIZE 32UL
_Static_assert(sizeof(struct page_header) == HEADER_SIZE, "objects must be 16-byte aligned");

static const uint16_t sizes[] = {16, 32, 48, 64, 96, 128, 192, 256, 400, 576, 800, 1344, 2032};
#define CLASS_COUNT (sizeof sizes / sizeof *sizes)
#define CLASS_PAGES UINT16_MAX

static struct ub_lock lock = UB_LOCK_INITIAL;
static struct page_header *partial[CLASS_COUNT];

static void link_page(struct page_header *page)
{
    page->previous = NULL;
    page->next = partial[page->class];
    if (page->next != NULL) {
        page->next->previous = page;
    }
    partial[page->class] = page;
}

static void unlink_page(struct page_header *page)
{
    if (page->previous != NULL) {
        page->previous->next = page->next;
    } else {
        partial[page->class] = page->next;
    }
    if (page->next != NULL) {
        page->next->previous = page->previous;
    }
}

static struct page_header *fresh_page(unsigned class)
{
    struct page_header *page = ub_page_allocate(1);
    if (page == NULL) {
        return NULL;
    }
    page->class = (uint16_t)class;
    size_t size = sizes[class];
    for (size_t at = HEADER_SIZE; at + size <= UB_PAGE_SIZE; at += size) {
        struct object *object = (struct object *)((char *)page + at);
        object->next = page->free;
        page->free = object;
    }
    return page;
}

static void *allocate_pages(size_t size)
{
    size_t pages = (size + HEADER_SIZE + UB_PAGE_MASK) / UB_PAGE_SIZE;
    struct page_header *page = ub_page_allocate(pages);
    if (page == NULL) {
        return NULL;
    }
    page->class = CLASS_PAGES;
    page->pages = (uint32_t)pages;
    return (char *)page + HEADER_SIZE;
}

void *ub_heap_allocate(size_t size)
{
    ub_stack_probe();
    unsigned class = 0;
    while (class < CLASS_COUNT && sizes[class] < size) {
        class++;
    }
    if (class == CLASS_COUNT) {
        return size < SIZE_MAX / 2 ? allocate_pages(size) : NULL;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    struct page_header *page = partial[class];
    if (page == NULL) {
        page = fresh_page(class);
        if (page == NULL) {
            ub_lock_release(&lock, flags);
            return NULL;
        }
        link_page(page);
    }
    struct object *object = page->free;
    page->free = object->next;
    page->used++;
    if (page->free == NULL) {
        unlink_page(page);
    }
    ub_lock_release(&lock, flags);
    return object;
}

void *ub_heap_allocate_zeroed(size_t size)
{
    void *memory = ub_heap_allocate(size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

void ub_heap_free(void *memory)
{
    if (memory == NULL) {
        return;
    }
    ub_stack_probe();
    struct page_header *page = (struct page_header *)((uint64_t)memory & ~UB_PAGE_MASK);
    if (page->class == CLASS_PAGES) {
        ub_page_free(page, page->pages);
        return;
    }
    UB_ASSERT(page->class < CLASS_COUNT && page->used > 0 &&
              ((uint64_t)memory % UB_PAGE_SIZE - HEADER_SIZE) % sizes[page->class] == 0);
    unsigned long flags = ub_lock_acquire(&lock);
    struct object *object = memory;
    if (page->free == NULL) {
        link_page(page);
    }
    object->next = page->free;
    page->free = object;
    page->used--;
    bool empty = page->used == 0;
    if (empty) {
        unlink_page(page);
    }
    ub_lock_release(&lock, flags);
    if (empty) {
        ub_page_free(page, 1);
    }
}
