/* Waiting for signals: sigsuspend, and sigtimedwait with its relatives. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <unibuild/process.h>
#include <unibuild/scheduler.h>
#include <unibuild/signal.h>

/* With `mask` in place until a handler has run. */
long ub_sys_rt_sigsuspend(const uint64_t *mask, unsigned long size)
{
    if (size != sizeof(uint64_t)) {
        return -EINVAL;
    }
    struct ub_signal_state state = ub_signal_state();
    uint64_t before = *state.mask;
    *state.mask = *mask;
    (void)ub_thread_sleep_until(UB_CLOCK_NEVER);
    ub_signal_deliver();
    *state.mask = before;
    return -EINTR;
}

/* Takes the lowest pending signal of `set`, or 0. */
static int take(uint64_t *pending, uint64_t set)
{
    uint64_t found = __atomic_load_n(pending, __ATOMIC_ACQUIRE) & set;
    if (found == 0) {
        return 0;
    }
    int signal = __builtin_ctzll(found) + 1;
    (void)__atomic_fetch_and(pending, ~(1ULL << (signal - 1)), __ATOMIC_ACQ_REL);
    return signal;
}

/* Until one of the signals, which the program keeps blocked, is there. */
static int wait_for(uint64_t *pending, uint64_t set, uint64_t deadline)
{
    struct ub_wait_queue nobody_wakes = {0};
    int signal = 0;
    int error = 0;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    while ((signal = take(pending, set)) == 0 && error == 0) {
        error = ub_thread_interrupted() ? -EINTR : ub_wait_locked(&nobody_wakes, deadline);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (signal != 0) {
        return signal;
    }
    return error == -ETIMEDOUT ? -EAGAIN : error;
}

long ub_sys_rt_sigtimedwait(const uint64_t *set, siginfo_t *information,
                            const struct timespec *timeout, unsigned long size)
{
    uint64_t deadline = UB_CLOCK_NEVER;
    if (size != sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (timeout != NULL) {
        if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000L) {
            return -EINVAL;
        }
        if ((uint64_t)timeout->tv_sec < UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4) {
            deadline = ub_clock_monotonic() +
                       (uint64_t)timeout->tv_sec * UB_NANOSECONDS_PER_SECOND +
                       (uint64_t)timeout->tv_nsec;
        }
    }
    int signal = wait_for(ub_signal_state().pending, *set, deadline);
    if (signal > 0 && information != NULL) {
        memset(information, 0, sizeof *information);
        information->si_signo = signal;
        information->si_code = SI_TKILL;
        information->si_pid = UB_PROCESS_ID;
    }
    return ub_thread_serve(signal);
}
