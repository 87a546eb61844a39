/* What the loader maps: segments, stack, and the start of brk's heap. */
#include "space.h"

#include <unibuild/random.h>

#define HEAP_GAP (32UL << 20) /* Linux: arch_randomize_brk */

static bool is_fair(uint64_t at, uint64_t size, unsigned access)
{
    return size != 0 && ((at | size) & UB_PAGE_MASK) == 0 &&
           (at == 0 ? size <= UB_USER_END : ub_space_valid(at, size)) &&
           (access & ~UB_ACCESS_MASK) == 0 && ub_space_may_have(access);
}

static uint64_t map(uint64_t at, uint64_t size, unsigned access, unsigned flags)
{
    const struct ub_area area = {
        .start = at,
        .access = (uint8_t)access,
        .flags = (uint8_t)flags,
        .source = UB_SOURCE_ZEROES,
    };
    long error;
    return is_fair(at, size, access) ? ub_space_map(&area, size, false, &error) : 0;
}

uint64_t ub_program_map(uint64_t at, uint64_t size, unsigned access)
{
    return map(at, size, access, 0);
}

uint64_t ub_program_map_bytes(uint64_t at, uint64_t size, unsigned access, const void *bytes,
                              size_t count)
{
    uint64_t filled = ub_page_up(count);
    if (!is_fair(at, size, access) || count > size || ((uint64_t)bytes & UB_PAGE_MASK) != 0) {
        return 0;
    }
    if (at == 0) {
        at = ub_program_place(size, UB_PAGE_SIZE);
    }
    const struct ub_area area = {
        .start = at,
        .access = (uint8_t)access,
        .source = UB_SOURCE_BYTES,
        .bytes = bytes,
        .limit = count,
    };
    long error;
    if (at == 0 || (filled != 0 && ub_space_map(&area, filled, false, &error) == 0)) {
        return 0;
    }
    if (filled < size && map(at + filled, size - filled, access, 0) == 0) {
        ub_program_unmap(at, filled);
        return 0;
    }
    return at;
}

uint64_t ub_program_map_stack(uint64_t size)
{
    uint64_t whole = size + 2 * UB_GUARD_SIZE;
    uint64_t at = ub_program_place(whole, UB_PAGE_SIZE);
    if (at == 0) {
        return 0;
    }
    uint64_t lowest = at + UB_GUARD_SIZE;
    bool mapped = map(at, UB_GUARD_SIZE, 0, 0) != 0 &&
                  map(lowest, size, UB_PROGRAM_READ | UB_PROGRAM_WRITE, UB_AREA_STACK) != 0 &&
                  map(lowest + size, UB_GUARD_SIZE, 0, 0) != 0;
    return mapped ? lowest : 0;
}

bool ub_program_unmap(uint64_t at, uint64_t size)
{
    unsigned long flags = ub_space_enter();
    bool cleared = ub_space_clear(at, at + size);
    ub_space_leave(flags);
    return cleared;
}

void ub_program_break(uint64_t end)
{
    uint64_t start = ub_page_up(end) + ub_random_u64() % (HEAP_GAP / UB_PAGE_SIZE) * UB_PAGE_SIZE;
    ub_space.heap_start = start;
    ub_space.heap_end = start;
}
