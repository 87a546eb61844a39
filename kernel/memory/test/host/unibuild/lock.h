/* <unibuild/lock.h> for programs that may not disable interrupts: one thread, no lock. */
#ifndef UNIBUILD_LOCK_H
#define UNIBUILD_LOCK_H

struct ub_lock {
    int unused;
};

#define UB_LOCK_INITIAL {0}

static inline unsigned long ub_lock_acquire(struct ub_lock *lock)
{
    (void)lock;
    return 0;
}

static inline void ub_lock_release(struct ub_lock *lock, unsigned long flags)
{
    (void)lock;
    (void)flags;
}

#endif
