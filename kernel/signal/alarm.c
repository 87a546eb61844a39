/* setitimer and getitimer: SIGALRM to the main thread after real time. The timers of used processor
 * time are not there. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include <unibuild/interval.h>
#include <unibuild/scheduler.h>
#include <unibuild/signal.h>

#define MAIN_THREAD 1

static void expired(struct ub_timeout *timeout);

static struct ub_timeout timeout = {.expire = expired};
static uint64_t interval;

static void expired(struct ub_timeout *one)
{
    for (struct ub_thread *thread = ub_threads; thread != NULL; thread = thread->next) {
        if (thread->id == MAIN_THREAD) {
            (void)__atomic_fetch_or(&thread->signal_pending, 1ULL << (SIGALRM - 1),
                                    __ATOMIC_ACQ_REL);
            ub_thread_interrupt_locked(thread);
        }
    }
    if (interval != 0) {
        uint64_t now = ub_clock_monotonic();
        uint64_t next = one->deadline + interval;
        ub_timeout_start_locked(one, next > now ? next : now + interval);
    }
}

static struct itimerval setting_locked(uint64_t now)
{
    struct itimerval setting = {.it_interval = ub_interval_timeval(interval)};
    if (timeout.active) {
        setting.it_value = ub_interval_timeval(timeout.deadline > now ? timeout.deadline - now : 1);
    }
    return setting;
}

long ub_sys_setitimer(long which, const struct itimerval *setting, struct itimerval *previous)
{
    uint64_t value, again;
    if (which != ITIMER_REAL || !ub_interval_nanoseconds(&setting->it_value, &value) ||
        !ub_interval_nanoseconds(&setting->it_interval, &again)) {
        return -EINVAL;
    }
    /* An alarm that comes more often than it can be served would be all that runs. */
    if (again != 0 && again < 1000000) {
        again = 1000000;
    }
    uint64_t now = ub_clock_monotonic();
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct itimerval before = setting_locked(now);
    ub_timeout_stop_locked(&timeout);
    interval = again;
    if (value != 0) {
        ub_timeout_start_locked(&timeout, now + value);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (previous != NULL) {
        *previous = before;
    }
    return 0;
}

long ub_sys_getitimer(long which, struct itimerval *setting)
{
    if (which != ITIMER_REAL) {
        return -EINVAL;
    }
    uint64_t now = ub_clock_monotonic();
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    *setting = setting_locked(now);
    ub_lock_release(&ub_scheduler_lock, flags);
    return 0;
}
