#include <unibuild/scheduler.h>

long ub_sys_sched_yield(void)
{
    ub_thread_yield();
    return 0;
}
