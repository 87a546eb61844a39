/* Page faults in the program's half: of the program, and of the kernel while it copies. */
#include "space.h"

#include <unibuild/panic.h>

#include <signal.h>

#define FAULT_PRESENT 0x01UL
#define FAULT_WRITE 0x02UL
#define FAULT_FETCH 0x10UL
#define GROWTH_MAXIMUM (8UL << 20) /* of a stack that grows: Linux's usual limit */

/* Where MAP_GROWSDOWN was asked for, a touch below makes the area longer. */
static struct ub_area *grow(struct ub_area *area, uint64_t address)
{
    uint64_t start = address & ~UB_PAGE_MASK;
    if ((area->flags & UB_AREA_GROWS_DOWN) == 0 || area->end - start > GROWTH_MAXIMUM ||
        start < UB_GUARD_SIZE ||
        !ub_areas_free(&ub_space.areas, start - UB_GUARD_SIZE, area->start)) {
        return NULL;
    }
    ub_space.mapped += (area->start - start) / UB_PAGE_SIZE;
    ub_areas_resize(area, start, area->end);
    return area;
}

_Noreturn static void exhausted(uint64_t address)
{
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
    if (result == UB_PAGE_NO_MEMORY) {
        exhausted(address);
    }
    return result == UB_PAGE_THERE;
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
