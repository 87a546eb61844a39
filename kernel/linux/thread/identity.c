/* set_tid_address and gettid: part of every program's start, so without the scheduler. */
#include <unibuild/cpu.h>
#include <unibuild/linux_call.h>
#include <unibuild/scheduler.h>

static long own_id(const struct ub_thread *self)
{
    return self != NULL ? self->id : 1;
}

UB_LINUX_CALL(set_tid_address)
{
    struct ub_thread *self = ub_cpu_current()->thread;
    if (self != NULL) {
        self->linux.clear_tid = ub_argument(frame, 0);
    }
    return own_id(self);
}

UB_LINUX_CALL(gettid)
{
    (void)frame;
    return own_id(ub_cpu_current()->thread);
}
