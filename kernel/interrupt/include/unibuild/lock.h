/*
 * Spin locks that also keep this processor's interrupts out: for short sections that touch data
 * which handlers or other processors touch too. Held for a few hundred instructions at most, never
 * across anything that sleeps. Not recursive.
 */
#ifndef UNIBUILD_LOCK_H
#define UNIBUILD_LOCK_H

#include <unibuild/interrupt.h>

#include <stdatomic.h>

struct ub_lock {
    atomic_flag held;
};

#define UB_LOCK_INITIAL {ATOMIC_FLAG_INIT}

/* Returns what ub_lock_release must be given. */
static inline unsigned long ub_lock_acquire(struct ub_lock *lock)
{
    unsigned long flags = ub_interrupt_disable();
    while (atomic_flag_test_and_set_explicit(&lock->held, memory_order_acquire)) {
        __asm__ volatile("pause");
    }
    return flags;
}

static inline void ub_lock_release(struct ub_lock *lock, unsigned long flags)
{
    atomic_flag_clear_explicit(&lock->held, memory_order_release);
    ub_interrupt_restore(flags);
}

#endif
