/*
 * Spinlocks. A holder runs with interrupts disabled on its processor, so that a lock may be taken
 * both by threads and by interrupt handlers, and a holder is never preempted. Keep the held
 * section short and never wait, sleep or call into a program inside it.
 *
 * Header only: a component that locks does not pull the scheduler. Zero is the unlocked state.
 */
#ifndef UNIBUILD_SPINLOCK_H
#define UNIBUILD_SPINLOCK_H

#include <unibuild/interrupt.h>

struct ub_spinlock {
    unsigned char held;
};

/* Disables interrupts, takes `lock`; returns the interrupt state for ub_spinlock_release. */
static inline unsigned long ub_spinlock_acquire(struct ub_spinlock *lock)
{
    unsigned long flags = ub_interrupt_disable();
    while (__atomic_test_and_set(&lock->held, __ATOMIC_ACQUIRE)) {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED)) {
            __asm__ volatile("pause");
        }
    }
    return flags;
}

/* Lets `lock` go and restores the interrupt state that the matching acquire returned. */
static inline void ub_spinlock_release(struct ub_spinlock *lock, unsigned long flags)
{
    __atomic_clear(&lock->held, __ATOMIC_RELEASE);
    ub_interrupt_restore(flags);
}

#endif
