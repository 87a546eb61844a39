/* setitimer, getitimer and alarm. */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include <unibuild/futex.h>
#include <unibuild/interval.h>
#include <unibuild/linux_call.h>

#include "timer.h"

static struct signal_timer timers[3] = {
    [ITIMER_REAL] = {.clock = TIMER_REAL, .signal = SIGALRM},
    [ITIMER_VIRTUAL] = {.clock = TIMER_PROCESS, .signal = SIGVTALRM},
    [ITIMER_PROF] = {.clock = TIMER_PROCESS, .signal = SIGPROF},
};

static struct signal_timer *timer_of(int which)
{
    struct signal_timer *timer = &timers[which];
    timer->entry.information.code = SI_KERNEL;
    ub_signal_timer_prepare(timer);
    return timer;
}

static struct itimerval setting_locked(const struct signal_timer *timer)
{
    return (struct itimerval){.it_interval = ub_interval_timeval(timer->interval),
                              .it_value = ub_interval_timeval(ub_signal_timer_left_locked(timer))};
}

/* A wait for a futex is now no longer a wait for ever: who waits in it alone can be interrupted. */
static long (*const bring_futexes_in)(const uint32_t *, uint32_t, uint32_t, uint64_t)
    __attribute__((used)) = ub_futex_wait;

UB_LINUX_CALL(setitimer)
{
    unsigned which = (unsigned)ub_argument(frame, 0);
    uint64_t from = ub_argument(frame, 1);
    uint64_t to = ub_argument(frame, 2);
    struct itimerval setting = {0};
    uint64_t value, interval;
    if (from != 0 && !ub_user_copy_in(&setting, from, sizeof setting)) {
        return -EFAULT;
    }
    if (which > ITIMER_PROF || !ub_interval_nanoseconds(&setting.it_value, &value) ||
        !ub_interval_nanoseconds(&setting.it_interval, &interval)) {
        return -EINVAL;
    }
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct signal_timer *timer = timer_of((int)which);
    struct itimerval before = setting_locked(timer);
    ub_signal_timer_set_locked(timer, value, interval);
    ub_lock_release(&ub_scheduler_lock, flags);
    return to != 0 && !ub_user_copy_out(to, &before, sizeof before) ? -EFAULT : 0;
}

UB_LINUX_CALL(getitimer)
{
    unsigned which = (unsigned)ub_argument(frame, 0);
    if (which > ITIMER_PROF) {
        return -EINVAL;
    }
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct itimerval setting = setting_locked(&timers[which]);
    ub_lock_release(&ub_scheduler_lock, flags);
    return ub_user_copy_out(ub_argument(frame, 1), &setting, sizeof setting) ? 0 : -EFAULT;
}

UB_LINUX_CALL(alarm)
{
    uint64_t seconds = (uint32_t)ub_argument(frame, 0);
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct signal_timer *timer = timer_of(ITIMER_REAL);
    uint64_t left = ub_signal_timer_left_locked(timer);
    ub_signal_timer_set_locked(timer, seconds * UB_NANOSECONDS_PER_SECOND, 0);
    ub_lock_release(&ub_scheduler_lock, flags);
    /* To the nearest second, but never 0 for one that was to come. */
    uint64_t rounded = (left + UB_NANOSECONDS_PER_SECOND / 2) / UB_NANOSECONDS_PER_SECOND;
    return (long)(left != 0 && rounded == 0 ? 1 : rounded);
}
