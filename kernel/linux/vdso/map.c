/* Puts a copy of the vDSO, with the clock's scale in it, where the program can run it. */
#include "vdso.h"

#include <unibuild/clock.h>
#include <unibuild/loader.h>
#include <unibuild/memory.h>
#include <unibuild/program_memory.h>
#include <unibuild/timestamp.h>

#include <string.h>

uint64_t ub_vdso_map(void)
{
    char *page = ub_page_allocate(1);
    uint64_t at = ub_program_place(UB_PAGE_SIZE, UB_PAGE_SIZE);
    if (page == NULL || at == 0) {
        return 0;
    }
    struct ub_time_scale scale = ub_time_scale();
    struct ub_vdso_clock clock = {scale.start, scale.nanoseconds_per_cycle, ub_clock_epoch()};
    memcpy(page, ub_vdso_file, (size_t)(ub_vdso_file_end - ub_vdso_file));
    memcpy(page + (ub_vdso_clock_place - ub_vdso_file), &clock, sizeof clock);
    return ub_program_map_bytes(at, UB_PAGE_SIZE, UB_PROGRAM_READ | UB_PROGRAM_EXECUTE, page,
                                UB_PAGE_SIZE);
}
