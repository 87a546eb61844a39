/*
 * What the page tables hold of the program's areas, and the faults that bring it there; the states
 * of an entry are in space.h. In a file with what every program needs, since the fault handler of
 * kernel/memory names ub_program_fault_resolve weakly, which links nothing.
 */
#include "space.h"

#include <unibuild/file.h>
#include <unibuild/paging.h>
#include <unibuild/panic.h>
#include <unibuild/registers.h>

#include <signal.h>
#include <string.h>

#define FAULT_PRESENT 0x01UL
#define FAULT_WRITE 0x02UL
#define FAULT_FETCH 0x10UL
#define GROWTH_MAXIMUM (8UL << 20) /* of a stack that grows: Linux's usual limit */

#define TABLE_SPAN (2UL << 20)
/* Pages of the image that are mapped together when one of them is touched; they cost nothing. */
#define AROUND_SPAN (64UL << 10)
/* So many pages are taken from the processor's buffers one by one, more all at once. */
#define INVALIDATE_MAXIMUM 32

static bool ending;        /* for want of memory: what the report looks at is not given any */
static uint64_t zero_page; /* physical; 0 until somebody reads what was never written */

static uint64_t entry_flags(const struct ub_area *area, bool writable)
{
    return UB_PAGE_PRESENT | UB_PAGE_USER | (writable ? UB_PAGE_WRITE : 0) |
           ((area->access & UB_PROGRAM_EXECUTE) == 0 ? UB_PAGE_NO_EXECUTE : 0);
}

static uint64_t own_entry(const struct ub_area *area, uint64_t physical)
{
    if (area->access == 0) {
        return physical | UB_ENTRY_OWN;
    }
    return physical | UB_ENTRY_OWN | entry_flags(area, (area->access & UB_PROGRAM_WRITE) != 0);
}

/* A page of the program's own that begins with a copy. 0: out of memory. */
static uint64_t copy_page(const struct ub_area *area, const void *from, size_t count)
{
    void *memory = ub_page_allocate(1);
    if (memory == NULL) {
        return 0;
    }
    memcpy(memory, from, count);
    ub_space.resident++;
    if (ub_space.resident > ub_space.resident_maximum) {
        ub_space.resident_maximum = ub_space.resident;
    }
    return own_entry(area, ub_direct_physical(memory));
}

static uint64_t zeroes(const struct ub_area *area, bool write)
{
    if (write) {
        return copy_page(area, "", 0);
    }
    if (zero_page == 0) {
        const void *memory = ub_page_allocate(1);
        if (memory == NULL) {
            return 0;
        }
        zero_page = ub_direct_physical(memory);
    }
    return zero_page | entry_flags(area, false);
}

/* True when the page at `offset` can be mapped where it lies. */
static bool in_place(const struct ub_area *area, uint64_t offset)
{
    return ((uint64_t)area->bytes & UB_PAGE_MASK) == 0 && offset + UB_PAGE_SIZE <= area->limit;
}

/* Maps the empty entries around one whose page lies in place, as theirs do. */
static void map_around(const struct ub_area *area, uint64_t page, const uint64_t *entry)
{
    uint64_t start = page & ~(AROUND_SPAN - 1);
    uint64_t end = start + AROUND_SPAN;
    start = start > area->start ? start : area->start;
    end = end < area->end ? end : area->end;
    uint64_t *at = (uint64_t *)entry - (page - start) / UB_PAGE_SIZE;
    for (; start < end; start += UB_PAGE_SIZE, at++) {
        if (*at == 0 && in_place(area, area->offset + (start - area->start))) {
            *at = *entry + (start - page);
        }
    }
}

static uint64_t page_of_bytes(const struct ub_area *area, uint64_t offset, bool write)
{
    uint64_t left = area->limit - offset;
    if (write || !in_place(area, offset)) {
        return copy_page(area, area->bytes + offset, left < UB_PAGE_SIZE ? left : UB_PAGE_SIZE);
    }
    return ub_page_translate((uint64_t)area->bytes + offset) | entry_flags(area, false);
}

static uint64_t page_of_file(const struct ub_area *area, const void *memory, bool write)
{
    if ((area->flags & UB_AREA_SHARED) != 0) {
        return ub_direct_physical(memory) |
               entry_flags(area, (area->access & UB_PROGRAM_WRITE) != 0);
    }
    return write ? copy_page(area, memory, UB_PAGE_SIZE)
                 : ub_direct_physical(memory) | entry_flags(area, false);
}

static bool allows(const struct ub_area *area, unsigned access)
{
    /* The processor knows no page that can be written to or executed but not read. */
    return access == UB_PROGRAM_READ ? area->access != 0 : (area->access & access) != 0;
}

enum ub_page_result ub_page_ready(const struct ub_area *area, uint64_t address, unsigned access)
{
    if (!allows(area, access)) {
        return UB_PAGE_DENIED;
    }
    bool write = access == UB_PROGRAM_WRITE;
    uint64_t page = address & ~UB_PAGE_MASK;
    uint64_t offset = area->offset + (page - area->start);
    uint64_t *entry = ub_page_entry(page, true);
    if (entry == NULL) {
        return UB_PAGE_NO_MEMORY;
    }
    if ((*entry & UB_PAGE_PRESENT) != 0 && (!write || (*entry & UB_PAGE_WRITE) != 0)) {
        return UB_PAGE_THERE;
    }
    uint64_t fresh;
    if ((*entry & UB_ENTRY_OWN) != 0) {
        fresh = own_entry(area, *entry & UB_PAGE_ADDRESS);
    } else if (area->source == UB_SOURCE_ZEROES) {
        fresh = zeroes(area, write);
    } else if (area->source == UB_SOURCE_BYTES) {
        if (offset >= area->limit) {
            return UB_PAGE_BEYOND;
        }
        fresh = page_of_bytes(area, offset, write);
    } else {
        const void *memory = area->file->operations->page(area->file, offset);
        if (memory == NULL) {
            return ub_page_free_count() != 0 ? UB_PAGE_BEYOND : UB_PAGE_NO_MEMORY;
        }
        fresh = page_of_file(area, memory, write);
    }
    if (fresh == 0) {
        return UB_PAGE_NO_MEMORY;
    }
    *entry = fresh;
    ub_page_invalidate(page);
    if (area->source == UB_SOURCE_BYTES && (fresh & UB_ENTRY_OWN) == 0) {
        map_around(area, page, entry);
    }
    return UB_PAGE_THERE;
}

enum ub_page_result ub_page_ready_all(uint64_t start, uint64_t end)
{
    for (const struct ub_area *area = ub_areas_find(&ub_space.areas, start);
         area != NULL && area->start < end; area = ub_areas_next(area)) {
        bool write = (area->access & UB_PROGRAM_WRITE) != 0 && (area->flags & UB_AREA_SHARED) == 0;
        uint64_t last = area->end < end ? area->end : end;
        uint64_t at = area->start > start ? area->start : start;
        for (; at < last && area->access != 0; at += UB_PAGE_SIZE) {
            enum ub_page_result result =
                ub_page_ready(area, at, write ? UB_PROGRAM_WRITE : UB_PROGRAM_READ);
            if (result != UB_PAGE_THERE) {
                return result;
            }
        }
    }
    return UB_PAGE_THERE;
}

/* After `changed` entries of [start, end) became less than they were. */
static void invalidate(uint64_t start, uint64_t end, size_t changed)
{
    if (changed == 0) {
        return;
    }
    if ((end - start) / UB_PAGE_SIZE <= INVALIDATE_MAXIMUM) {
        for (uint64_t at = start; at < end; at += UB_PAGE_SIZE) {
            ub_page_invalidate(at);
        }
        return;
    }
    ub_page_invalidate_all();
}

void ub_page_release(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
    size_t changed = 0;
    uint64_t at = start;
    for (uint64_t *entry; (entry = ub_page_next_entry(&at, end)) != NULL;) {
        do {
            if (*entry != 0) {
                changed++;
            }
            if ((*entry & UB_ENTRY_OWN) != 0) {
                ub_page_free(ub_direct_pointer(*entry & UB_PAGE_ADDRESS), 1);
                ub_space.resident--;
            }
            *entry++ = 0;
            at += UB_PAGE_SIZE;
        } while (at < end && at % TABLE_SPAN != 0);
    }
    invalidate(start, end, changed);
    ub_page_tables_free(start, end, floor, ceiling);
}

void ub_page_apply(const struct ub_area *area)
{
    size_t changed = 0;
    uint64_t at = area->start;
    for (uint64_t *entry; (entry = ub_page_next_entry(&at, area->end)) != NULL;) {
        do {
            uint64_t physical = *entry & UB_PAGE_ADDRESS;
            if (*entry != 0) {
                changed++;
            }
            if ((*entry & UB_ENTRY_OWN) != 0) {
                *entry = own_entry(area, physical);
            } else if (*entry != 0) {
                *entry = area->access != 0 ? physical | entry_flags(area, false) : 0;
            }
            entry++;
            at += UB_PAGE_SIZE;
        } while (at < area->end && at % TABLE_SPAN != 0);
    }
    invalidate(area->start, area->end, changed);
}

static bool make_tables(uint64_t from, uint64_t to, uint64_t size)
{
    uint64_t at = from;
    while (ub_page_next_entry(&at, from + size) != NULL) {
        /* Of a table's span the new place may meet two. */
        uint64_t next = (at & ~(TABLE_SPAN - 1)) + TABLE_SPAN;
        next = next < from + size ? next : from + size;
        if (ub_page_entry(to + (at - from), true) == NULL ||
            ub_page_entry(to + (next - UB_PAGE_SIZE - from), true) == NULL) {
            return false;
        }
        at = next;
    }
    return true;
}

bool ub_page_move(uint64_t from, uint64_t to, uint64_t size)
{
    if (!make_tables(from, to, size)) {
        return false;
    }
    uint64_t at = from;
    for (uint64_t *entry; (entry = ub_page_next_entry(&at, from + size)) != NULL;) {
        if (*entry != 0) {
            *ub_page_entry(to + (at - from), true) = *entry;
            *entry = 0;
        }
        at += UB_PAGE_SIZE;
    }
    invalidate(from, from + size, 1);
    return true;
}

/* ---- Page faults, of the program and of the kernel while it copies -----------------------------
 */

/* Where MAP_GROWSDOWN was asked for, a touch below makes the area longer. */
static struct ub_area *grow(struct ub_area *area, uint64_t address)
{
    uint64_t start = address & ~UB_PAGE_MASK;
    if ((area->flags & UB_AREA_GROWS_DOWN) == 0 || area->end - start > GROWTH_MAXIMUM ||
        start < UB_GUARD_SIZE ||
        !ub_areas_free(&ub_space.areas, start - UB_GUARD_SIZE, area->start) ||
        !ub_space_commit(area, (area->start - start) / UB_PAGE_SIZE)) {
        return NULL;
    }
    ub_space.mapped += (area->start - start) / UB_PAGE_SIZE;
    ub_areas_resize(area, start, area->end);
    return area;
}

_Noreturn static void exhausted(uint64_t address)
{
    ending = true;
    ub_print("\nout of memory: the program uses %lu KiB, and of %lu KiB in all none is left\n",
             ub_space.resident * (UB_PAGE_SIZE >> 10),
             ub_page_total_count() * (UB_PAGE_SIZE >> 10));
    ub_user_end(ub_user_frame(), SIGKILL, address);
}

bool ub_program_fault_resolve(uint64_t address, uint64_t error)
{
    unsigned access = (error & FAULT_FETCH) != 0   ? UB_PROGRAM_EXECUTE
                      : (error & FAULT_WRITE) != 0 ? UB_PROGRAM_WRITE
                                                   : UB_PROGRAM_READ;
    if ((error & FAULT_PRESENT) != 0 && access != UB_PROGRAM_WRITE) {
        return false;
    }
    enum ub_page_result result = UB_PAGE_DENIED;
    unsigned long flags = ub_space_enter();
    struct ub_area *area = ub_areas_find(&ub_space.areas, address);
    if (area != NULL && area->start > address) {
        area = grow(area, address);
    }
    if (area != NULL) {
        result = ub_page_ready(area, address, access);
    }
    ub_space_leave(flags);
    if (result == UB_PAGE_NO_MEMORY && !ending) {
        exhausted(address);
    }
    return result == UB_PAGE_THERE;
}
