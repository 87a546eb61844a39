#include <unibuild/scheduler.h>

#pragma weak ub_signal_process_pending

bool ub_thread_interrupted(void)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    uint64_t pending = __atomic_load_n(&thread->signal_pending, __ATOMIC_ACQUIRE);
    if (&ub_signal_process_pending != NULL) {
        pending |= __atomic_load_n(&ub_signal_process_pending, __ATOMIC_ACQUIRE);
    }
    return (pending & ~thread->signal_mask) != 0;
}
