#include <unibuild/scheduler.h>

bool ub_thread_interrupted(void)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    uint64_t pending = __atomic_load_n(&thread->signal_pending, __ATOMIC_ACQUIRE);
    return (pending & ~thread->signal_mask) != 0;
}
