/* Page tables of the one address space. The entry code made the first; these functions add. */
#include "entry.h"

#include <unibuild/paging.h>
#include <unibuild/registers.h>

#include <string.h>

#define PAGE_SIZE 4096UL
#define LARGE_SIZE (2UL << 20)
#define TABLE_FLAGS (UB_PAGE_PRESENT | UB_PAGE_WRITE)
#define LEVELS 4
#define ENTRIES 512

/* Physical memory below 64 KiB is never mapped, so its place is free; see ub_physical_read. */
#define WINDOW (ub_direct_map + 0xf000UL)

static unsigned index_at(uint64_t address, unsigned level)
{
    return (unsigned)(address >> (12 + 9 * level)) & 511;
}

/*
 * Walks down to `level` (0 the lowest); `*found` tells the level of the entry that is returned:
 * higher than asked when a large page or (without create) an absent table ends the way.
 */
static uint64_t *walk(uint64_t address, unsigned level, bool create, unsigned *found)
{
    uint64_t *table = ub_page_root;
    for (unsigned at = LEVELS - 1;; at--) {
        uint64_t *entry = &table[index_at(address, at)];
        *found = at;
        if (at == level || (*entry & UB_PAGE_LARGE) != 0) {
            return entry;
        }
        if ((*entry & UB_PAGE_PRESENT) == 0) {
            if (!create) {
                return entry;
            }
            uint64_t *fresh = ub_page_table_allocate();
            if (fresh == NULL) {
                return NULL;
            }
            *entry = ub_direct_physical(fresh) | TABLE_FLAGS |
                     (index_at(address, LEVELS - 1) < ENTRIES / 2 ? UB_PAGE_USER : 0);
        }
        table = ub_direct_pointer(*entry & UB_PAGE_ADDRESS);
    }
}

uint64_t *ub_page_entry(uint64_t virtual_address, bool create)
{
    unsigned level;
    uint64_t *entry = walk(virtual_address, 0, create, &level);
    return entry != NULL && level == 0 ? entry : NULL;
}

uint64_t *ub_page_next_entry(uint64_t *address, uint64_t end)
{
    while (*address < end) {
        unsigned level;
        uint64_t *entry = walk(*address, 0, false, &level);
        if (level == 0) {
            return entry;
        }
        uint64_t size = PAGE_SIZE << (9 * level);
        *address = (*address & ~(size - 1)) + size;
    }
    return NULL;
}

static void free_below(uint64_t *table, unsigned level, uint64_t start, uint64_t end,
                       uint64_t floor, uint64_t ceiling)
{
    uint64_t size = PAGE_SIZE << (9 * level);
    for (uint64_t at = start & ~(size - 1); at < end; at += size) {
        uint64_t *entry = &table[index_at(at, level)];
        if ((*entry & UB_PAGE_PRESENT) == 0 || (*entry & UB_PAGE_LARGE) != 0) {
            continue;
        }
        uint64_t *below = ub_direct_pointer(*entry & UB_PAGE_ADDRESS);
        if (level > 1) {
            free_below(below, level - 1, start > at ? start : at, end < at + size ? end : at + size,
                       floor, ceiling);
        }
        if (at >= floor && at + size <= ceiling) {
            *entry = 0;
            ub_page_invalidate(at);
            ub_page_table_free(below);
        }
    }
}

void ub_page_tables_free(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
    free_below(ub_page_root, LEVELS - 1, start, end, floor, ceiling);
}

bool ub_page_map(uint64_t virtual_address, uint64_t physical_address, uint64_t flags)
{
    uint64_t *entry = ub_page_entry(virtual_address, true);
    if (entry == NULL) {
        return false;
    }
    *entry = physical_address | flags | UB_PAGE_NO_EXECUTE | UB_PAGE_PRESENT;
    ub_page_invalidate(virtual_address);
    return true;
}

uint64_t ub_page_unmap(uint64_t virtual_address)
{
    uint64_t *entry = ub_page_entry(virtual_address, false);
    if (entry == NULL) {
        return 0;
    }
    uint64_t old = *entry;
    *entry = 0;
    ub_page_invalidate(virtual_address);
    return old;
}

bool ub_page_map_direct(uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end;) {
        uint64_t size = PAGE_SIZE;
        unsigned level = 0;
        if (at % LARGE_SIZE == 0 && end - at >= LARGE_SIZE) {
            uint64_t *entry = walk(ub_direct_map + at, 1, true, &level);
            if (entry == NULL) {
                return false;
            }
            /* A table that is there already (the image's own) is filled page by page. */
            if ((*entry & UB_PAGE_PRESENT) == 0) {
                *entry = at | TABLE_FLAGS | UB_PAGE_LARGE | UB_PAGE_NO_EXECUTE;
                size = LARGE_SIZE;
            }
        }
        if (size == PAGE_SIZE) {
            uint64_t *entry = ub_page_entry(ub_direct_map + at, true);
            if (entry == NULL) {
                return false;
            }
            if (*entry == 0) {
                *entry = at | TABLE_FLAGS | UB_PAGE_NO_EXECUTE;
            }
        }
        at += size;
    }
    return true;
}

uint64_t ub_page_translate(uint64_t virtual_address)
{
    unsigned level;
    uint64_t entry = *walk(virtual_address, 0, false, &level);
    if ((entry & UB_PAGE_PRESENT) == 0) {
        return UINT64_MAX;
    }
    uint64_t offset_mask = (PAGE_SIZE << (9 * level)) - 1;
    return (entry & UB_PAGE_ADDRESS & ~offset_mask) | (virtual_address & offset_mask);
}

bool ub_page_mapped(uint64_t virtual_address)
{
    return ub_page_translate(virtual_address) != UINT64_MAX;
}

/* Points the window at a page; 0 closes it. */
static void set_window(uint64_t entry)
{
    *ub_page_entry(WINDOW, false) = entry;
    ub_page_invalidate(WINDOW);
}

void ub_physical_read(void *buffer, uint64_t physical_address, size_t count)
{
    char *to = buffer;
    while (count > 0) {
        size_t offset = physical_address % PAGE_SIZE;
        size_t piece = count < PAGE_SIZE - offset ? count : PAGE_SIZE - offset;
        set_window((physical_address - offset) | UB_PAGE_PRESENT | UB_PAGE_NO_EXECUTE);
        memcpy(to, (const void *)(WINDOW + offset), piece);
        to += piece;
        physical_address += piece;
        count -= piece;
    }
    set_window(0);
}

void ub_physical_write8(uint64_t physical_address, uint8_t value)
{
    size_t offset = physical_address % PAGE_SIZE;
    set_window((physical_address - offset) | UB_PAGE_PRESENT | UB_PAGE_WRITE |
               UB_PAGE_CACHE_DISABLE | UB_PAGE_NO_EXECUTE);
    *(volatile uint8_t *)(WINDOW + offset) = value;
    set_window(0);
}
