#include <limits.h>
#include <stddef.h>

#include "timer.h"

/* Ticks of timers of used time, and the shortest time between two looks at any: one that fires more
 * often than it can be served would be all that runs. What it missed counts as overrun. */
#define TICK 1000000UL
#define SHORTEST 100000UL

static uint32_t overrun_of(uint64_t count)
{
    return (uint32_t)(count < INT_MAX ? count : INT_MAX);
}

/* It has fired `times` since the last look. */
static void send_locked(struct signal_timer *timer, uint64_t times)
{
    struct ub_signal_entry *entry = &timer->entry;
    if (timer->signal == 0) {
        return;
    }
    if (entry->queued) {
        entry->information.user = overrun_of(entry->information.user + times);
        return;
    }
    entry->information.user = overrun_of(times - 1);
    struct ub_thread *thread = NULL;
    if (timer->thread != 0) {
        thread = ub_thread_find_locked(timer->thread);
        if (thread == NULL || !thread->program) {
            return;
        }
    }
    (void)ub_signal_post_locked(thread, timer->signal, &timer->entry);
}

static bool runs_locked(const struct signal_timer *timer)
{
    const struct ub_processor *processor = ub_processor_current();
    const struct ub_thread *current = processor->current;
    return !processor->idle && current->program &&
           (timer->clock == TIMER_PROCESS || current->id == timer->measured);
}

static void tick_locked(struct signal_timer *timer, uint64_t now)
{
    if (runs_locked(timer)) {
        if (timer->left <= TICK) {
            timer->left = timer->interval;
            send_locked(timer, 1);
        } else {
            timer->left -= TICK;
        }
    }
    if (timer->left != 0) {
        ub_timeout_start_locked(&timer->timeout, now + TICK);
    }
}

static void expired(struct ub_timeout *timeout)
{
    struct signal_timer *timer =
        (struct signal_timer *)((char *)timeout - offsetof(struct signal_timer, timeout));
    uint64_t now = ub_clock_monotonic();
    if (timer->clock != TIMER_REAL) {
        tick_locked(timer, now);
        return;
    }
    uint64_t times = timer->interval != 0 ? (now - timer->due) / timer->interval + 1 : 1;
    timer->due += times * timer->interval;
    send_locked(timer, times);
    if (timer->interval != 0) {
        uint64_t soonest = now + SHORTEST;
        ub_timeout_start_locked(timeout, timer->due > soonest ? timer->due : soonest);
    }
}

void ub_signal_timer_prepare(struct signal_timer *timer)
{
    timer->timeout.expire = expired;
    timer->entry.lent = true;
    timer->entry.information.signal = timer->signal;
}

void ub_signal_timer_set_locked(struct signal_timer *timer, uint64_t value, uint64_t interval)
{
    ub_timeout_stop_locked(&timer->timeout);
    timer->interval = interval;
    timer->left = value;
    if (value != 0) {
        timer->due = ub_clock_monotonic() + value;
        bool real = timer->clock == TIMER_REAL || value < TICK;
        ub_timeout_start_locked(&timer->timeout, real ? timer->due : timer->due - value + TICK);
    }
}

uint64_t ub_signal_timer_left_locked(const struct signal_timer *timer)
{
    if (!timer->timeout.active) {
        return 0;
    }
    if (timer->clock != TIMER_REAL) {
        return timer->left;
    }
    /* One that has fired unseen is in the middle of an interval. */
    uint64_t now = ub_clock_monotonic();
    uint64_t due = timer->due;
    if (due <= now && timer->interval != 0) {
        due += ((now - due) / timer->interval + 1) * timer->interval;
    }
    return due > now ? due - now : 1;
}
