/*
 * Timers that send signals: setitimer's three and those of timer_create. They run on the kernel's
 * one list of timeouts.
 *
 * A timer of used processor time cannot be there before as much real time has gone: then it looks
 * how much was used, and waits for the rest.
 */
#ifndef UNIBUILD_LINUX_SIGNAL_TIMER_H
#define UNIBUILD_LINUX_SIGNAL_TIMER_H

#include <time.h>

#include "signals.h"

enum timer_clock { TIMER_REAL, TIMER_PROCESS, TIMER_THREAD };

struct signal_timer {
    struct ub_timeout timeout;
    enum timer_clock clock;
    uint64_t interval; /* 0: once */
    uint64_t due;      /* on its clock: when it fires, though it may be looked at later */
    int signal;        /* 0: only counts */
    int thread;        /* who is told, 0: the process */
    int measured;      /* TIMER_THREAD: whose time */
    struct ub_signal_entry entry;
};

void ub_signal_timer_prepare(struct signal_timer *timer);
/* These with the scheduler lock held. */
/* Whether there is (still) something to measure, and how far its clock is. */
bool ub_signal_timer_now_locked(const struct signal_timer *timer, uint64_t *now);
/* `value` 0 stops it; else nanoseconds from now. */
void ub_signal_timer_set_locked(struct signal_timer *timer, uint64_t value, uint64_t interval);
/* Nanoseconds until it fires, 0 when it does not run. */
uint64_t ub_signal_timer_left_locked(const struct signal_timer *timer);

#endif
