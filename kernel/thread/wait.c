/* Wait queues: join, leave, wake, and threads that wait in them with a deadline. */
#include <errno.h>

#include <unibuild/scheduler.h>

struct waiter {
    struct ub_wait_entry entry;
    struct ub_timeout timeout;
    struct ub_thread *thread;
    bool timed_out;
};

void ub_wait_entry_join_locked(struct ub_wait_queue *queue, struct ub_wait_entry *entry)
{
    entry->queue = queue;
    entry->next = NULL;
    entry->previous = queue->last;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = entry;
    queue->last = entry;
}

void ub_wait_entry_leave_locked(struct ub_wait_entry *entry)
{
    struct ub_wait_queue *queue = entry->queue;
    if (queue == NULL) {
        return;
    }
    *(entry->previous != NULL ? &entry->previous->next : &queue->first) = entry->next;
    *(entry->next != NULL ? &entry->next->previous : &queue->last) = entry->previous;
    entry->queue = NULL;
}

void ub_wait_entry_join(struct ub_wait_queue *queue, struct ub_wait_entry *entry)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_wait_entry_join_locked(queue, entry);
    ub_lock_release(&ub_scheduler_lock, flags);
}

void ub_wait_entry_leave(struct ub_wait_entry *entry)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_wait_entry_leave_locked(entry);
    ub_lock_release(&ub_scheduler_lock, flags);
}

bool ub_wake_one_locked(struct ub_wait_queue *queue)
{
    struct ub_wait_entry *entry = queue->first;
    while (entry != NULL) {
        struct ub_wait_entry *next = entry->next; /* `wake` of a thread takes it out */
        if (entry->wake(entry)) {
            return true;
        }
        entry = next;
    }
    return false;
}

void ub_wake_all_locked(struct ub_wait_queue *queue)
{
    struct ub_wait_entry *entry = queue->first;
    while (entry != NULL) {
        struct ub_wait_entry *next = entry->next;
        (void)entry->wake(entry);
        entry = next;
    }
}

bool ub_wake_one(struct ub_wait_queue *queue)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    bool woken = ub_wake_one_locked(queue);
    ub_lock_release(&ub_scheduler_lock, flags);
    return woken;
}

void ub_wake_all(struct ub_wait_queue *queue)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_wake_all_locked(queue);
    ub_lock_release(&ub_scheduler_lock, flags);
}

static bool wake_thread(struct ub_wait_entry *entry)
{
    struct waiter *waiter = (struct waiter *)entry;
    ub_wait_entry_leave_locked(entry);
    ub_timeout_stop_locked(&waiter->timeout);
    ub_thread_ready_locked(waiter->thread);
    return true;
}

static void wait_expired(struct ub_timeout *timeout)
{
    struct waiter *waiter =
        (struct waiter *)((char *)timeout - __builtin_offsetof(struct waiter, timeout));
    waiter->timed_out = true;
    ub_wait_entry_leave_locked(&waiter->entry);
    ub_thread_ready_locked(waiter->thread);
}

int ub_wait_locked(struct ub_wait_queue *queue, uint64_t deadline_ns)
{
    struct waiter waiter = {
        .entry = {.wake = wake_thread},
        .timeout = {.expire = wait_expired},
        .thread = ub_thread_current(),
    };
    ub_wait_entry_join_locked(queue, &waiter.entry);
    if (deadline_ns != UB_CLOCK_NEVER) {
        ub_timeout_start_locked(&waiter.timeout, deadline_ns);
    }
    waiter.thread->waiting = &waiter.entry;
    ub_schedule_locked();
    waiter.thread->waiting = NULL;
    return waiter.timed_out ? -ETIMEDOUT : 0;
}

void ub_thread_interrupt_locked(struct ub_thread *thread)
{
    if (thread->waiting != NULL && thread->waiting->queue != NULL) {
        (void)thread->waiting->wake(thread->waiting);
    }
}

int ub_wait(struct ub_wait_queue *queue, uint64_t deadline_ns)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    int result = ub_wait_locked(queue, deadline_ns);
    ub_lock_release(&ub_scheduler_lock, flags);
    return result;
}

int ub_wait_unlock(struct ub_wait_queue *queue, struct ub_lock *lock, uint64_t deadline_ns)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    atomic_flag_clear_explicit(&lock->held, memory_order_release);
    int result = ub_wait_locked(queue, deadline_ns);
    ub_lock_release(&ub_scheduler_lock, flags);
    (void)ub_lock_acquire(lock);
    return result;
}

int ub_event_wait(struct ub_event *event, uint64_t deadline_ns)
{
    int result = 0;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    while (!event->set && result == 0) {
        result = ub_thread_interrupted() ? -EINTR : ub_wait_locked(&event->queue, deadline_ns);
    }
    if (event->set) {
        result = 0;
    }
    event->set = false;
    ub_lock_release(&ub_scheduler_lock, flags);
    return result;
}

void ub_event_set_locked(struct ub_event *event)
{
    event->set = true;
    ub_wake_all_locked(&event->queue);
}
