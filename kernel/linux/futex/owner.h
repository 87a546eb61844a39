/* Futexes whose word says who holds them: FUTEX_LOCK_PI and its kin. */
#ifndef UNIBUILD_LINUX_FUTEX_OWNER_H
#define UNIBUILD_LINUX_FUTEX_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* `until` (absolute; NULL: for ever) is of CLOCK_REALTIME or, without, CLOCK_MONOTONIC. With `once`
 * it does not wait: -EAGAIN. */
long ub_linux_futex_lock(uint64_t address, const struct timespec *until, bool realtime, bool once);
long ub_linux_futex_unlock(uint64_t address);

#endif
