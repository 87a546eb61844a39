/* Waiting for signals: pause, rt_sigsuspend, rt_sigtimedwait. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <unibuild/linux_call.h>
#include <unibuild/linux_signal.h>

#include "signals.h"

UB_LINUX_CALL(pause)
{
    (void)frame;
    return ub_thread_sleep_until(UB_CLOCK_NEVER);
}

UB_LINUX_CALL(rt_sigsuspend)
{
    uint64_t mask;
    if (ub_argument(frame, 1) != sizeof mask) {
        return -EINVAL;
    }
    if (!ub_user_copy_in(&mask, ub_argument(frame, 0), sizeof mask)) {
        return -EFAULT;
    }
    ub_signal_wait_mask(mask);
    return ub_thread_sleep_until(UB_CLOCK_NEVER);
}

/* Until one of the set is there; the program keeps them blocked, so nobody else takes them. */
static long wait_for(uint64_t set, uint64_t deadline, struct signal_information *information)
{
    struct ub_thread *self = ub_thread_current();
    struct ub_wait_queue nobody_wakes = {0};
    struct ub_signal_entry *taken;
    int signal = 0;
    long error = 0;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    self->linux.awaited = set;
    while ((signal = ub_signal_take_locked(self, set, information, &taken)) == 0 && error == 0) {
        error = ub_thread_interrupted() ? -EINTR : ub_wait_locked(&nobody_wakes, deadline);
    }
    self->linux.awaited = 0;
    ub_lock_release(&ub_scheduler_lock, flags);
    if (signal != 0) {
        ub_signal_entry_free(taken);
        return signal;
    }
    return error == -ETIMEDOUT ? -EAGAIN : error;
}

static bool deadline_of(const struct timespec *timeout, uint64_t *deadline)
{
    *deadline = UB_CLOCK_NEVER;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000L) {
        return false;
    }
    if ((uint64_t)timeout->tv_sec < UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4) {
        *deadline = ub_clock_monotonic() + (uint64_t)timeout->tv_sec * UB_NANOSECONDS_PER_SECOND +
                    (uint64_t)timeout->tv_nsec;
    }
    return true;
}

UB_LINUX_CALL(rt_sigtimedwait)
{
    uint64_t set;
    uint64_t to = ub_argument(frame, 1);
    uint64_t from = ub_argument(frame, 2);
    uint64_t deadline = UB_CLOCK_NEVER;
    struct timespec timeout;
    struct {
        struct signal_information information;
        uint8_t rest[128 - sizeof(struct signal_information)];
    } found = {0};
    if (ub_argument(frame, 3) != sizeof set) {
        return -EINVAL;
    }
    if (!ub_user_copy_in(&set, ub_argument(frame, 0), sizeof set) ||
        (from != 0 && !ub_user_copy_in(&timeout, from, sizeof timeout))) {
        return -EFAULT;
    }
    if (from != 0 && !deadline_of(&timeout, &deadline)) {
        return -EINVAL;
    }
    long signal = wait_for(set & ~UNBLOCKABLE, deadline, &found.information);
    if (signal > 0 && to != 0 && !ub_user_copy_out(to, &found, sizeof found)) {
        return -EFAULT;
    }
    return signal;
}
