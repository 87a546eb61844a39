/*
 * Mutexes with priority inheritance (the protocol of futex(2), FUTEX_LOCK_PI): the program takes
 * and leaves a free one by itself, the kernel is asked when there is somebody to wait for or to
 * wake. All threads have one priority, so there is nothing to inherit; what is left is the
 * protocol.
 *
 * The word holds the owner's id and a mark that others wait. As long as one may wait, the mark
 * stays, even with no owner: so every next lock and unlock comes here, and no waiter is forgotten.
 */
#include <errno.h>
#include <stddef.h>

#include <unibuild/futex.h>
#include <unibuild/scheduler.h>
#include <unibuild/user.h>

#include "owner.h"

#define OWNER_MASK 0x3fffffffU
#define OWNER_DIED 0x40000000U
#define WAITERS 0x80000000U
#define WAIT_BITSET 9
#define CLOCK_REALTIME_FLAG 256

long ub_sys_futex(uint64_t address, long operation, uint32_t value, const void *timeout,
                  uint64_t target, uint32_t value3);

static bool lives(uint32_t id)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    const struct ub_thread *thread = ub_thread_find_locked((int)id);
    bool found = thread != NULL && thread->program;
    ub_lock_release(&ub_scheduler_lock, flags);
    return found;
}

/* False when the word is not there; `*value` is what was found. */
static bool replace(uint64_t address, uint32_t *value, uint32_t desired, bool *done)
{
    uint32_t expected = *value;
    if (!ub_user_exchange32(address, value, desired)) {
        return false;
    }
    *done = *value == expected;
    return true;
}

/* One try: 0 is taken, -EAGAIN is to look again, 1 to wait for `*value` to change. */
static long attempt(uint64_t address, uint32_t own, bool waited, bool once, uint32_t *value)
{
    bool done;
    if (!ub_user_load32(address, value)) {
        return -EFAULT;
    }
    uint32_t owner = *value & OWNER_MASK;
    if (owner == own) {
        return -EDEADLK;
    }
    if (owner == 0) {
        uint32_t mark = waited ? WAITERS : *value & WAITERS;
        if (!replace(address, value, own | mark | (*value & OWNER_DIED), &done)) {
            return -EFAULT;
        }
        return done ? 0 : -EAGAIN;
    }
    if (!lives(owner)) {
        return -ESRCH;
    }
    if (once) {
        return -EWOULDBLOCK;
    }
    uint32_t marked = *value | WAITERS;
    if (!replace(address, value, marked, &done)) {
        return -EFAULT;
    }
    *value = marked;
    return done ? 1 : -EAGAIN;
}

long ub_linux_futex_lock(uint64_t address, const struct timespec *until, bool realtime, bool once)
{
    uint32_t own = (uint32_t)ub_thread_current()->id;
    bool waited = false;
    uint32_t value;
    for (;;) {
        long result = attempt(address, own, waited, once, &value);
        if (result == 1) {
            result = ub_sys_futex(address, WAIT_BITSET | (realtime ? CLOCK_REALTIME_FLAG : 0),
                                  value, until, 0, UB_FUTEX_ANY);
            waited = waited || result == 0;
            result = result == 0 ? -EAGAIN : result;
        }
        if (result != -EAGAIN || once) {
            return result;
        }
    }
}

long ub_linux_futex_unlock(uint64_t address)
{
    uint32_t own = (uint32_t)ub_thread_current()->id;
    uint32_t value;
    bool done = false;
    if (!ub_user_load32(address, &value)) {
        return -EFAULT;
    }
    while (!done) {
        if ((value & OWNER_MASK) != own) {
            return -EPERM;
        }
        if (!replace(address, &value, WAITERS, &done)) {
            return -EFAULT;
        }
    }
    if (ub_futex_wake((const void *)address, 1, UB_FUTEX_ANY) == 0) {
        value = WAITERS;
        (void)replace(address, &value, 0, &done); /* unless somebody has taken it meanwhile */
    }
    return 0;
}
