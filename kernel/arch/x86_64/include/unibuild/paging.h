/*
 * Page tables: one address space, four levels, 4 KiB pages (2 MiB for plain RAM).
 *
 * All RAM is mapped in order from ub_direct_map on, which the entry code draws in the upper half:
 * the direct map. Where code has a physical address and wants the memory, it adds that.
 *
 * The callers below kernel/memory's public interface keep the rule that no page is writable and
 * executable: nothing here can make a page executable, but for who writes to an entry by itself
 * (kernel/linux/memory). Tables of the lower half let ring 3 in, those of the upper half do not;
 * each entry of the lowest level decides for its page.
 */
#ifndef UNIBUILD_PAGING_H
#define UNIBUILD_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UB_PAGE_PRESENT 0x001UL
#define UB_PAGE_WRITE 0x002UL
#define UB_PAGE_USER 0x004UL
#define UB_PAGE_WRITE_THROUGH 0x008UL
#define UB_PAGE_CACHE_DISABLE 0x010UL
#define UB_PAGE_LARGE 0x080UL
#define UB_PAGE_NO_EXECUTE (1UL << 63)
#define UB_PAGE_ADDRESS 0x000ffffffffff000UL

/* Where physical address 0 would be in the direct map; a multiple of 2 MiB. */
extern const uint64_t ub_direct_map;

static inline void *ub_direct_pointer(uint64_t physical_address)
{
    return (void *)(ub_direct_map + physical_address);
}

/* Only for pointers into the direct map, as ub_page_allocate's are. */
static inline uint64_t ub_direct_physical(const void *pointer)
{
    return (uint64_t)pointer - ub_direct_map;
}

/*
 * The entry of the lowest level that maps `virtual_address`, tables made when `create`; NULL when
 * there is none (and create is false), when a large page maps the address, or when no page for a
 * table could be had.
 */
uint64_t *ub_page_entry(uint64_t virtual_address, bool create);

/*
 * The entry of the first address from `*address` on, and below `end`, that has a table of the
 * lowest level; `*address` becomes that address. Skips what has no table by whole tables. NULL:
 * none.
 */
uint64_t *ub_page_next_entry(uint64_t *address, uint64_t end);
/*
 * Gives back the tables that map any of [start, end) and nothing outside [floor, ceiling), where no
 * entry may be left.
 */
void ub_page_tables_free(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling);

/* Maps one 4 KiB page with the given entry bits (no-execute always added). False: out of memory. */
bool ub_page_map(uint64_t virtual_address, uint64_t physical_address, uint64_t flags);
/* Leaves the page unmapped; returns the entry that was there. */
uint64_t ub_page_unmap(uint64_t virtual_address);
/* Adds physical [start, end), page aligned, to the direct map; with large pages where they fit. */
bool ub_page_map_direct(uint64_t start, uint64_t end);

/* True when a read of the byte at `virtual_address` would not fault. */
bool ub_page_mapped(uint64_t virtual_address);
/* The physical address, or UINT64_MAX when not mapped. */
uint64_t ub_page_translate(uint64_t virtual_address);

/* Reads physical memory anywhere below 2^52 through a window that exists only during the call. */
void ub_physical_read(void *buffer, uint64_t physical_address, size_t count);

/* Writes a byte of a device's register the same way; needs no memory, so it never fails. */
void ub_physical_write8(uint64_t physical_address, uint8_t value);

/* Forgets all translations that the processor keeps. */
static inline void ub_page_invalidate_all(void)
{
    uint64_t root;
    __asm__ volatile("movq %%cr3, %0\n\tmovq %0, %%cr3" : "=r"(root) : : "memory");
}

/* Provides a zeroed page for a table, in the direct map; NULL when out. kernel/memory defines it.
 */
uint64_t *ub_page_table_allocate(void);
void ub_page_table_free(uint64_t *table);

#endif
