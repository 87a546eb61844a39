#ifndef UNIBUILD_TIMESTAMP_H
#define UNIBUILD_TIMESTAMP_H

#include <stdint.h>

/* Nanoseconds of ub_clock_monotonic: (counter - start) * nanoseconds_per_cycle >> 32. For good. */
struct ub_time_scale {
    uint64_t start;
    uint64_t nanoseconds_per_cycle;
};
struct ub_time_scale ub_time_scale(void);

/* The time stamp counter at a time of ub_clock_monotonic; UINT64_MAX when out of range. */
uint64_t ub_time_stamp_at(uint64_t nanoseconds);

#endif
