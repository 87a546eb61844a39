/* Every program calls this at its start; it must not pull the scheduler. */
#include <unibuild/scheduler.h>

long ub_sys_set_tid_address(int *address)
{
    struct ub_thread *thread = ub_cpu_current()->thread;
    if (thread == NULL) {
        return 1; /* the only thread's end is the image's: nobody is left to be told */
    }
    thread->clear_tid = address;
    return thread->id;
}
