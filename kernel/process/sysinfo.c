#include <string.h>
#include <sys/sysinfo.h>

#include <unibuild/clock.h>
#include <unibuild/memory.h>

long ub_sys_sysinfo(struct sysinfo *information)
{
    memset(information, 0, sizeof *information);
    information->uptime = ub_clock_monotonic() / UB_NANOSECONDS_PER_SECOND;
    information->totalram = ub_page_total_count();
    information->freeram = ub_page_free_count();
    information->mem_unit = UB_PAGE_SIZE;
    information->procs = 1;
    return 0;
}
