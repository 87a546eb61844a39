/* Clocks of used processor time, as Linux numbers them. */
#ifndef UNIBUILD_PROCESSOR_CLOCK_H
#define UNIBUILD_PROCESSOR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Whether a clock is one: CLOCK_PROCESS_CPUTIME_ID, _THREAD_, or negative, made from an id. */
static inline bool ub_clock_is_processor(int clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* 0, or -EINVAL when there is no such process or thread. */
long ub_processor_clock_read(int clock, uint64_t *nanoseconds);

#endif
