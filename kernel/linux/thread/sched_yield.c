#include <unibuild/linux_call.h>
#include <unibuild/thread.h>

#pragma weak ub_thread_yield

UB_LINUX_CALL(sched_yield)
{
    (void)frame;
    if (ub_thread_yield != NULL) {
        ub_thread_yield();
    }
    return 0;
}
