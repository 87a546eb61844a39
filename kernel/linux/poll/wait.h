/* What the calls that wait for several files share: their times and signal masks. */
#ifndef UNIBUILD_LINUX_POLL_WAIT_H
#define UNIBUILD_LINUX_POLL_WAIT_H

#include <stdint.h>

/*
 * A relative timeout of the program as a deadline: `struct timespec`, or the older `struct
 * timeval`; no address is UB_CLOCK_NEVER. 0, -EFAULT or -EINVAL.
 */
long ub_linux_timespec_in(uint64_t address, uint64_t *deadline);
long ub_linux_timeval_in(uint64_t address, uint64_t *deadline);

/* Tells the program what is left of it, as these calls do on Linux. An address that became bad
 * meanwhile is passed over. */
void ub_linux_timespec_out(uint64_t address, uint64_t deadline);
void ub_linux_timeval_out(uint64_t address, uint64_t deadline);

/* The signal mask for the time of the wait; no address is none. 0, -EFAULT or -EINVAL. */
long ub_linux_wait_mask(uint64_t address, uint64_t size);

/* poll and select themselves, with the program's addresses. */
long ub_linux_poll_until(uint64_t list, uint64_t count, uint64_t deadline);
struct ub_exception_frame;
long ub_linux_select_until(const struct ub_exception_frame *frame, uint64_t deadline);

/* epoll_wait with the program's events. */
long ub_linux_epoll_until(const struct ub_exception_frame *frame, uint64_t deadline);
/* A count of milliseconds, negative for no end. */
uint64_t ub_linux_milliseconds(uint64_t argument);

#endif
