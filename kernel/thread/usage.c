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

bool ub_thread_usage(int id, uint64_t *nanoseconds)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_usage_count_locked(ub_thread_current());
    struct ub_thread *thread = ub_threads;
    while (thread != NULL && (thread->id != id || !thread->program)) {
        thread = thread->next;
    }
    if (thread != NULL) {
        *nanoseconds = thread->ran;
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    return thread != NULL;
}

uint64_t ub_program_usage(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_usage_count_locked(ub_thread_current());
    uint64_t ran = program_ran;
    ub_lock_release(&ub_scheduler_lock, flags);
    return ran;
}
