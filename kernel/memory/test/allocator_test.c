/*
 * Page allocator and heap over a piece of this program's memory that plays RAM: random requests
 * must never overlap, come zeroed where promised, keep their contents, and all come back in the
 * end.
 */
#include <unibuild/memory.h>
#include <unibuild/paging.h>
#include <unibuild/panic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_SIZE (8UL << 20)
#define IMAGE_OFFSET (1UL << 20)
#define IMAGE_SIZE (1UL << 20)
#define SLOTS 512
#define ROUNDS 50000

/* The image takes the second MiB of it; the tables' end tells how far the entry code mapped. */
char ram[RAM_SIZE] __attribute__((aligned(1 << 21)));
uint64_t ub_entry_tables[1];
const uint64_t ub_image_slide = 0;
const uint64_t ub_direct_map = 0;
__asm__(".globl ub_image_start, ub_image_end, ub_entry_tables_end\n"
        ".set ub_image_start, ram + 0x100000\n"
        ".set ub_image_end, ram + 0x200000\n"
        /* Four tables' worth of entries: 2 MiB each. */
        ".set ub_entry_tables_end, ub_entry_tables + 32768\n");

static size_t unmapped;

uint64_t ub_page_unmap(uint64_t virtual_address)
{
    (void)virtual_address;
    unmapped++;
    return 0;
}

bool ub_page_map_direct(uint64_t start, uint64_t end)
{
    return start < end;
}

void ub_panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    exit(1);
}

static void require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

struct slot {
    unsigned char *memory;
    size_t size;
    unsigned char fill;
};

static struct slot slots[SLOTS];

static int is_filled(const struct slot *slot, unsigned char byte)
{
    for (size_t i = 0; i < slot->size; i++) {
        if (slot->memory[i] != byte) {
            return 0;
        }
    }
    return 1;
}

static void require_in_ram(const struct slot *slot)
{
    char *start = (char *)slot->memory;
    require(start >= ram && start + slot->size <= ram + RAM_SIZE, "memory outside RAM");
    require(start + slot->size <= ram + IMAGE_OFFSET || start >= ram + IMAGE_OFFSET + IMAGE_SIZE,
            "memory of the image given away");
}

static void test_pages(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct slot *slot = &slots[rand() % SLOTS];
        if (slot->memory != NULL) {
            require(is_filled(slot, slot->fill), "a page changed under its owner");
            ub_page_free(slot->memory, slot->size / UB_PAGE_SIZE);
            slot->memory = NULL;
            continue;
        }
        slot->size = (1 + (size_t)rand() % 5) * UB_PAGE_SIZE;
        slot->memory = ub_page_allocate(slot->size / UB_PAGE_SIZE);
        if (slot->memory != NULL) {
            require_in_ram(slot);
            require(is_filled(slot, 0), "a page is not zeroed");
            slot->fill = (unsigned char)(1 + rand() % 255);
            memset(slot->memory, slot->fill, slot->size);
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].memory != NULL) {
            ub_page_free(slots[i].memory, slots[i].size / UB_PAGE_SIZE);
            slots[i].memory = NULL;
        }
    }
}

static void test_heap(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct slot *slot = &slots[rand() % SLOTS];
        if (slot->memory != NULL) {
            require(is_filled(slot, slot->fill), "an object changed under its owner");
            ub_heap_free(slot->memory);
            slot->memory = NULL;
            continue;
        }
        slot->size = (size_t)rand() % (rand() % 8 == 0 ? 12000 : 2100);
        slot->memory = ub_heap_allocate(slot->size);
        if (slot->memory != NULL) {
            require_in_ram(slot);
            require((uint64_t)slot->memory % 16 == 0, "an object is not aligned");
            slot->fill = (unsigned char)rand();
            memset(slot->memory, slot->fill, slot->size);
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        ub_heap_free(slots[i].memory);
        slots[i].memory = NULL;
    }
}

int main(void)
{
    uint64_t start = (uint64_t)ram;
    const struct ub_memory_range ranges[] = {{start, start + RAM_SIZE}};
    ub_memory_initialize(ranges, 1);
    size_t total = RAM_SIZE / UB_PAGE_SIZE;
    size_t free_pages = ub_page_free_count();
    require(ub_page_total_count() == total, "total count");
    require(free_pages < total - IMAGE_SIZE / UB_PAGE_SIZE && free_pages > total / 2, "free count");
    require(unmapped > 0, "what is not RAM stays mapped");
    require(ub_page_allocate(0) == NULL && ub_page_allocate(total) == NULL, "impossible counts");
    require(ub_heap_allocate(SIZE_MAX) == NULL, "an impossible size");
    srand(1);
    test_pages();
    require(ub_page_free_count() == free_pages, "pages are lost");
    test_heap();
    require(ub_page_free_count() == free_pages, "the heap keeps pages");
    size_t taken = 0;
    while (ub_page_allocate(1) != NULL) {
        taken++;
    }
    require(taken == free_pages, "free pages that cannot be had");
    return 0;
}
