/* brk: the heap behind the program's data; see ub_program_break. */
#include "space.h"

#include <unibuild/linux_call.h>

static bool resize(uint64_t end)
{
    uint64_t old_top = ub_page_up(ub_space.heap_end);
    uint64_t top = ub_page_up(end);
    if (top <= old_top) {
        return top == old_top || ub_space_clear(top, old_top);
    }
    const struct ub_area more = {
        .start = old_top,
        .end = top,
        .access = UB_PROGRAM_READ | UB_PROGRAM_WRITE,
        .flags = UB_AREA_HEAP | UB_AREA_WAS_WRITABLE,
    };
    return ub_space_valid(old_top, top - old_top + UB_GUARD_SIZE) &&
           ub_areas_free(&ub_space.areas, old_top, top + UB_GUARD_SIZE) && ub_space_add(&more);
}

UB_LINUX_CALL(brk)
{
    uint64_t wanted = ub_argument(frame, 0);
    unsigned long flags = ub_space_enter();
    if (wanted >= ub_space.heap_start && wanted < UB_USER_END && resize(wanted)) {
        ub_space.heap_end = wanted;
    }
    long end = (long)ub_space.heap_end;
    ub_space_leave(flags);
    return end;
}
