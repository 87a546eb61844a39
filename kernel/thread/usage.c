/* Processor time: how long threads ran, counted whenever one leaves the processor. */
#include <unibuild/scheduler.h>

static uint64_t program_ran;

void ub_usage_count_locked(struct ub_thread *thread)
{
    struct ub_processor *processor = ub_processor_current();
    uint64_t now = ub_clock_monotonic();
    if (thread != NULL) {
        thread->ran += now - processor->since;
        program_ran += thread->program ? now - processor->since : 0;
    }
    processor->since = now;
}

/* A processor that idles does so on the stack of a thread that does not run. */
static void count_running(void)
{
    ub_usage_count_locked(ub_processor_current()->idle ? NULL : ub_thread_current());
}

bool ub_thread_usage_locked(int id, uint64_t *nanoseconds)
{
    count_running();
    const struct ub_thread *thread = ub_thread_find_locked(id);
    if (thread == NULL || !thread->program) {
        return false;
    }
    *nanoseconds = thread->ran;
    return true;
}

uint64_t ub_program_usage_locked(void)
{
    count_running();
    return program_ran;
}

bool ub_thread_usage(int id, uint64_t *nanoseconds)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    bool found = ub_thread_usage_locked(id, nanoseconds);
    ub_lock_release(&ub_scheduler_lock, flags);
    return found;
}

uint64_t ub_program_usage(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    uint64_t ran = ub_program_usage_locked();
    ub_lock_release(&ub_scheduler_lock, flags);
    return ran;
}
