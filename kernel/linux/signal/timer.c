#include <limits.h>
#include <stddef.h>

#include "timer.h"

/* The shortest time between two looks at a timer: one that fires more often than it can be served
 * would be all that runs. What it missed counts as overrun. */
#define SHORTEST 100000UL

static uint32_t overrun_of(uint64_t count)
{
    return (uint32_t)(count < INT_MAX ? count : INT_MAX);
}

/* Who uses the processor, if it may be told: a profiler wants to see where. */
static struct ub_thread *user_locked(int signal)
{
    const struct ub_processor *processor = ub_processor_current();
    struct ub_thread *current = processor->current;
    bool told = !processor->idle && current->program && (current->signal_mask & BIT(signal)) == 0;
    return told ? current : NULL;
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
    struct ub_thread *thread = timer->clock == TIMER_PROCESS ? user_locked(timer->signal) : NULL;
    if (timer->thread != 0) {
        thread = ub_thread_find_locked(timer->thread);
        if (thread == NULL || !thread->program) {
            return;
        }
    }
    (void)ub_signal_post_locked(thread, timer->signal, &timer->entry);
}

bool ub_signal_timer_now_locked(const struct signal_timer *timer, uint64_t *now)
{
    switch (timer->clock) {
    case TIMER_REAL:
        *now = ub_clock_monotonic();
        return true;
    case TIMER_PROCESS:
        *now = ub_program_usage_locked();
        return true;
    default:
        return ub_thread_usage_locked(timer->measured, now);
    }
}

static void look_again_locked(struct signal_timer *timer, uint64_t now)
{
    uint64_t wait = timer->due > now + SHORTEST ? timer->due - now : SHORTEST;
    uint64_t real = timer->clock == TIMER_REAL ? now : ub_clock_monotonic();
    ub_timeout_start_locked(&timer->timeout, real + wait);
}

static void expired(struct ub_timeout *timeout)
{
    struct signal_timer *timer =
        (struct signal_timer *)((char *)timeout - offsetof(struct signal_timer, timeout));
    uint64_t now;
    if (!ub_signal_timer_now_locked(timer, &now)) {
        return; /* its thread has ended */
    }
    bool fired = now >= timer->due;
    if (fired) {
        uint64_t times = timer->interval != 0 ? (now - timer->due) / timer->interval + 1 : 1;
        timer->due += times * timer->interval;
        send_locked(timer, times);
    }
    if (!fired || timer->interval != 0) {
        look_again_locked(timer, now);
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
    uint64_t now;
    if (value != 0 && ub_signal_timer_now_locked(timer, &now)) {
        timer->due = now + value;
        ub_timeout_start_locked(&timer->timeout, ub_clock_monotonic() + value);
    }
}

uint64_t ub_signal_timer_left_locked(const struct signal_timer *timer)
{
    uint64_t now;
    if (!timer->timeout.active || !ub_signal_timer_now_locked(timer, &now)) {
        return 0;
    }
    /* One that has fired unseen is in the middle of an interval. */
    uint64_t due = timer->due;
    if (due <= now && timer->interval != 0) {
        due += ((now - due) / timer->interval + 1) * timer->interval;
    }
    return due > now ? due - now : 1;
}
