#ifndef UNIBUILD_FREQUENCY_H
#define UNIBUILD_FREQUENCY_H

#include <stdint.h>

/* Cycles a second of the time stamp counter; takes at most 5 ms. Panics when nothing can tell. */
uint64_t ub_time_stamp_frequency(void);

#endif
