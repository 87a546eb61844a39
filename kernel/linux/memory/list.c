/* The program's memory as others tell of it: /proc, sysinfo, getrusage, signals. */
#include "space.h"

bool ub_program_area_at(uint64_t address, struct ub_program_area *told)
{
    unsigned long flags = ub_space_enter();
    const struct ub_area *area = ub_areas_find(&ub_space.areas, address);
    if (area != NULL) {
        *told = (struct ub_program_area){
            .start = area->start,
            .end = area->end,
            .access = area->access,
            .shared = (area->flags & UB_AREA_SHARED) != 0,
            .offset = area->source == UB_SOURCE_ZEROES ? 0 : area->offset,
            .file = area->file,
            .name = (area->flags & UB_AREA_HEAP) != 0    ? "[heap]"
                    : (area->flags & UB_AREA_STACK) != 0 ? "[stack]"
                                                         : "",
        };
    }
    ub_space_leave(flags);
    return area != NULL;
}

struct ub_program_sizes ub_program_sizes(void)
{
    return (struct ub_program_sizes){ub_space.mapped, ub_space.resident, ub_space.resident_maximum};
}

enum ub_program_fault ub_program_fault_reason(uint64_t address)
{
    enum ub_program_fault reason = UB_PROGRAM_NOTHING;
    unsigned long flags = ub_space_enter();
    struct ub_area *area = ub_areas_find(&ub_space.areas, address);
    if (area != NULL && area->start <= address) {
        bool beyond = area->access != 0 && area->source != UB_SOURCE_ZEROES &&
                      ub_page_ready(area, address, UB_PROGRAM_READ) == UB_PAGE_BEYOND;
        reason = beyond ? UB_PROGRAM_BEYOND_FILE : UB_PROGRAM_DENIED;
    }
    ub_space_leave(flags);
    return reason;
}
