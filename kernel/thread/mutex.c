/* Mutexes: a spinlock around the owner, and a queue of those who wait for it. */
#include <unibuild/panic.h>

#include <unibuild/scheduler.h>

#define SIGNAL_WAIT_NS 100000ULL

static void take_locked(struct ub_mutex *mutex, struct ub_thread *self)
{
    UB_ASSERT(mutex->owner != self);
    while (mutex->owner != NULL) {
        (void)ub_wait_unlock(&mutex->waiters, &mutex->lock, UB_CLOCK_NEVER);
    }
    mutex->owner = self;
}

static void give_locked(struct ub_mutex *mutex, const struct ub_thread *self)
{
    UB_ASSERT(mutex->owner == self);
    mutex->owner = NULL;
    if (mutex->waiters.first != NULL) {
        (void)ub_wake_one(&mutex->waiters);
    }
}

void ub_mutex_lock(struct ub_mutex *mutex)
{
    unsigned long flags = ub_lock_acquire(&mutex->lock);
    take_locked(mutex, ub_thread_current());
    ub_lock_release(&mutex->lock, flags);
}

bool ub_mutex_try(struct ub_mutex *mutex)
{
    unsigned long flags = ub_lock_acquire(&mutex->lock);
    bool taken = mutex->owner == NULL;
    if (taken) {
        mutex->owner = ub_thread_current();
    }
    ub_lock_release(&mutex->lock, flags);
    return taken;
}

void ub_mutex_unlock(struct ub_mutex *mutex)
{
    unsigned long flags = ub_lock_acquire(&mutex->lock);
    give_locked(mutex, ub_thread_current());
    ub_lock_release(&mutex->lock, flags);
}

int ub_mutex_wait(struct ub_mutex *mutex, struct ub_wait_queue *queue, uint64_t deadline_ns)
{
    struct ub_thread *self = ub_thread_current();
    unsigned long flags = ub_lock_acquire(&mutex->lock);
    /* A signal may have come since the caller looked, and nobody wakes for it twice. */
    uint64_t soon = ub_thread_interrupted() ? ub_clock_monotonic() + SIGNAL_WAIT_NS : deadline_ns;
    bool is_cut = soon < deadline_ns;
    give_locked(mutex, self);
    int result = ub_wait_unlock(queue, &mutex->lock, is_cut ? soon : deadline_ns);
    take_locked(mutex, self);
    ub_lock_release(&mutex->lock, flags);
    return is_cut ? 0 : result;
}
