#include <limits.h>
#include <stddef.h>

#include "timer.h"

/* Ticks of timers of used time, and the shortest interval of any: one that comes more often than it
 * can be served would be all that runs. */
#define TICK 1000000UL
#define SHORTEST 100000UL

static void send_locked(struct signal_timer *timer)
{
    if (timer->signal == 0) {
        return;
    }
    if (timer->entry.queued) {
        if (timer->entry.information.user < INT_MAX) {
            timer->entry.information.user++; /* the overrun */
        }
        return;
    }
    timer->entry.information.user = 0;
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
            send_locked(timer);
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
    send_locked(timer);
    if (timer->interval != 0) {
        uint64_t next = timeout->deadline + timer->interval;
        if (next <= now) {
            uint64_t missed = (now - timeout->deadline) / timer->interval;
            timer->entry.information.user += (uint32_t)(missed < INT_MAX ? missed : INT_MAX);
            next = timeout->deadline + (missed + 1) * timer->interval;
        }
        ub_timeout_start_locked(timeout, next);
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
    timer->interval = interval != 0 && interval < SHORTEST ? SHORTEST : interval;
    timer->left = value;
    if (value != 0) {
        uint64_t first = timer->clock == TIMER_REAL || value < TICK ? value : TICK;
        ub_timeout_start_locked(&timer->timeout, ub_clock_monotonic() + first);
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
    uint64_t now = ub_clock_monotonic();
    return timer->timeout.deadline > now ? timer->timeout.deadline - now : 1;
}
