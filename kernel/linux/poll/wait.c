/* Timeouts in and out, and the mask of a wait. */
#include <sys/time.h>

#include <unibuild/linux_call.h>
#include <unibuild/poll.h>

#include "wait.h"

/* kernel/signal has it, if the program has signals. */
#pragma weak ub_signal_wait_mask
void ub_signal_wait_mask(uint64_t mask);

#define MICROSECONDS_PER_SECOND 1000000L
#define NANOSECONDS_PER_MICROSECOND 1000L

long ub_linux_timespec_in(uint64_t address, uint64_t *deadline)
{
    struct timespec timeout;
    if (address == 0) {
        return ub_poll_deadline(NULL, deadline);
    }
    if (!ub_user_copy_in(&timeout, address, sizeof timeout)) {
        return -EFAULT;
    }
    return ub_poll_deadline(&timeout, deadline);
}

long ub_linux_timeval_in(uint64_t address, uint64_t *deadline)
{
    struct timeval timeout;
    if (address == 0) {
        return ub_poll_deadline(NULL, deadline);
    }
    if (!ub_user_copy_in(&timeout, address, sizeof timeout)) {
        return -EFAULT;
    }
    /* Linux lets whole seconds stand in the second member. */
    long seconds = timeout.tv_usec / MICROSECONDS_PER_SECOND;
    long rest = timeout.tv_usec % MICROSECONDS_PER_SECOND;
    struct timespec time = {.tv_nsec = rest * NANOSECONDS_PER_MICROSECOND};
    if (__builtin_add_overflow(timeout.tv_sec, seconds, &time.tv_sec)) {
        return -EINVAL;
    }
    return ub_poll_deadline(&time, deadline);
}

static uint64_t left(uint64_t deadline)
{
    uint64_t now = deadline != 0 ? ub_clock_monotonic() : 0;
    return deadline > now ? deadline - now : 0;
}

void ub_linux_timespec_out(uint64_t address, uint64_t deadline)
{
    if (address == 0 || deadline == UB_CLOCK_NEVER) {
        return;
    }
    uint64_t time = left(deadline);
    struct timespec rest = {(time_t)(time / UB_NANOSECONDS_PER_SECOND),
                            (long)(time % UB_NANOSECONDS_PER_SECOND)};
    (void)ub_user_copy_out(address, &rest, sizeof rest);
}

void ub_linux_timeval_out(uint64_t address, uint64_t deadline)
{
    if (address == 0 || deadline == UB_CLOCK_NEVER) {
        return;
    }
    uint64_t time = left(deadline);
    struct timeval rest = {
        (time_t)(time / UB_NANOSECONDS_PER_SECOND),
        (suseconds_t)(time % UB_NANOSECONDS_PER_SECOND / NANOSECONDS_PER_MICROSECOND)};
    (void)ub_user_copy_out(address, &rest, sizeof rest);
}

long ub_linux_wait_mask(uint64_t address, uint64_t size)
{
    uint64_t mask;
    if (address == 0) {
        return 0;
    }
    if (size != sizeof mask) {
        return -EINVAL;
    }
    if (!ub_user_copy_in(&mask, address, sizeof mask)) {
        return -EFAULT;
    }
    if (ub_signal_wait_mask != NULL) {
        ub_signal_wait_mask(mask);
    }
    return 0;
}

uint64_t ub_linux_milliseconds(uint64_t argument)
{
    int milliseconds = (int)argument;
    if (milliseconds < 0) {
        return UB_CLOCK_NEVER;
    }
    return milliseconds == 0
               ? 0
               : ub_clock_monotonic() + (uint64_t)milliseconds * (UB_NANOSECONDS_PER_SECOND / 1000);
}
