#ifndef UNIBUILD_TIMESTAMP_H
#define UNIBUILD_TIMESTAMP_H

#include <stdint.h>

/* The time stamp counter at a time of ub_clock_monotonic; UINT64_MAX when out of range. */
uint64_t ub_time_stamp_at(uint64_t nanoseconds);

#endif
