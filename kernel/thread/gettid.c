/* Thread ids. Without a scheduler in the image there is one thread, 1. */
#include <unibuild/scheduler.h>

long ub_sys_gettid(void)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    return thread != NULL ? thread->id : 1;
}
