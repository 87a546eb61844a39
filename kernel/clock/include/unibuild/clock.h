/*
 * Time: nanoseconds since boot, nanoseconds since 1970, and one timer a processor.
 *
 * The time stamp counter is read for both clocks. Its frequency comes from CPUID 0x15/0x16, from
 * kvmclock, or from a calibration of at most 5 ms that is made the first time that anybody asks for
 * the time or sets the timer: a program that never asks never pays. Time never goes backward.
 */
#ifndef UNIBUILD_CLOCK_H
#define UNIBUILD_CLOCK_H

#include <stdint.h>

#define UB_NANOSECONDS_PER_SECOND 1000000000ULL
/* A deadline that never comes. */
#define UB_CLOCK_NEVER UINT64_MAX

/* Nanoseconds since the clock's first use at boot (starts near 0). */
uint64_t ub_clock_monotonic(void);
/* Nanoseconds since 1970-01-01 UTC, from kvmclock or the real time clock; read from it once. */
uint64_t ub_clock_realtime(void);
/* ub_clock_realtime less ub_clock_monotonic, which is the same for good. */
uint64_t ub_clock_epoch(void);

/*
 * Arms this processor's one-shot timer for a time of ub_clock_monotonic; a deadline in the past
 * fires at once, UB_CLOCK_NEVER disarms. A later call replaces an earlier one.
 */
void ub_timer_set(uint64_t deadline);
/*
 * Called in interrupt context, interrupts disabled, when the deadline has passed. clock.c defines a
 * weak one that does nothing; kernel/thread defines the real one.
 */
void ub_timer_expired(void);
/* Halts this processor, interrupts served, until `deadline`: for programs without threads. */
void ub_clock_wait_until(uint64_t deadline);

#endif
