/* Timeouts: a list in order of deadline. New deadlines are mostly the latest, so the search for the
 * place starts at the end. */
#include <unibuild/scheduler.h>

static struct ub_timeout *first;
static struct ub_timeout *last;

uint64_t ub_timeout_first_locked(void)
{
    return first == NULL ? UB_CLOCK_NEVER : first->deadline;
}

void ub_timeout_stop_locked(struct ub_timeout *timeout)
{
    if (!timeout->active) {
        return;
    }
    *(timeout->previous != NULL ? &timeout->previous->next : &first) = timeout->next;
    *(timeout->next != NULL ? &timeout->next->previous : &last) = timeout->previous;
    timeout->active = false;
}

void ub_timeout_start_locked(struct ub_timeout *timeout, uint64_t deadline_ns)
{
    ub_timeout_stop_locked(timeout);
    timeout->deadline = deadline_ns;
    timeout->active = true;

    struct ub_timeout *before = last;
    while (before != NULL && before->deadline > deadline_ns) {
        before = before->previous;
    }
    timeout->previous = before;
    timeout->next = before != NULL ? before->next : first;
    *(before != NULL ? &before->next : &first) = timeout;
    *(timeout->next != NULL ? &timeout->next->previous : &last) = timeout;
    if (first == timeout) {
        ub_timer_program_locked(ub_processor_current());
    }
}

void ub_timeout_expire_locked(uint64_t now)
{
    while (first != NULL && first->deadline <= now) {
        struct ub_timeout *timeout = first;
        ub_timeout_stop_locked(timeout);
        timeout->expire(timeout);
    }
}

void ub_timeout_start(struct ub_timeout *timeout, uint64_t deadline_ns)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_timeout_start_locked(timeout, deadline_ns);
    ub_lock_release(&ub_scheduler_lock, flags);
}

void ub_timeout_stop(struct ub_timeout *timeout)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_timeout_stop_locked(timeout);
    ub_lock_release(&ub_scheduler_lock, flags);
}
