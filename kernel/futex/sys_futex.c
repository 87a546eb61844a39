/*
 * futex(2). The C library's stdio and locks refer to it in every program, so this file must not
 * pull the scheduler: it uses futex.c when clone has brought that in. Without clone there is one
 * program thread, and nobody to wake or be woken by.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <unibuild/clock.h>
#include <unibuild/futex.h>
#include <unibuild/panic.h>
#include <unibuild/thread.h>

#include "word.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256

#pragma weak ub_futex_wake
#pragma weak ub_futex_wait
#pragma weak ub_futex_requeue
#pragma weak ub_clock_monotonic
#pragma weak ub_clock_realtime
#pragma weak ub_clock_wait_until

/* The fourth argument is a timeout or a count, as the operation says. */
long ub_sys_futex(uint32_t *address, long operation, uint32_t value, const void *timeout_or_count,
                  uint32_t *target, uint32_t value3);

/* A relative or, with `absolute`, absolute time of the chosen clock, as a monotonic deadline.
 * A timeout is at hand only in programs that read the clock, so the weak functions are there. */
static int deadline_of(const struct timespec *timeout, long operation, int absolute, uint64_t *out)
{
    *out = UB_CLOCK_NEVER;
    if (timeout == NULL) {
        return 0;
    }
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000L) {
        return -EINVAL;
    }
    if (ub_clock_monotonic == NULL) {
        return -ENOSYS;
    }
    uint64_t now = ub_clock_monotonic();
    if ((uint64_t)timeout->tv_sec >= UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4) {
        return 0; /* centuries ahead */
    }
    uint64_t time =
        (uint64_t)timeout->tv_sec * UB_NANOSECONDS_PER_SECOND + (uint64_t)timeout->tv_nsec;
    if (absolute) {
        uint64_t clock_now = now;
        if (operation & FUTEX_CLOCK_REALTIME) {
            clock_now = ub_clock_realtime();
        }
        time = time > clock_now ? time - clock_now : 0;
    }
    *out = now + time;
    return 0;
}

/* One thread alone: only time can end its wait. */
static long wait_alone(const uint32_t *address, uint32_t expected, uint64_t deadline)
{
    uint32_t value;
    if (!load_word(address, &value)) {
        return -EFAULT;
    }
    if (value != expected) {
        return -EAGAIN;
    }
    if (deadline == UB_CLOCK_NEVER) {
        ub_panic("deadlock: the only thread waits for itself (futex %p)", (const void *)address);
    }
    ub_clock_wait_until(deadline);
    return -ETIMEDOUT;
}

long ub_sys_futex(uint32_t *address, long operation, uint32_t value, const void *timeout_or_count,
                  uint32_t *target, uint32_t value3)
{
    long command = operation & ~(long)(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    unsigned count = (unsigned)(uintptr_t)timeout_or_count;
    uint32_t bitset =
        command == FUTEX_WAIT_BITSET || command == FUTEX_WAKE_BITSET ? value3 : UB_FUTEX_ANY;
    if (((uintptr_t)address & 3) != 0 || bitset == 0) {
        return -EINVAL;
    }
    switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
        uint64_t deadline;
        int error =
            deadline_of(timeout_or_count, operation, command == FUTEX_WAIT_BITSET, &deadline);
        if (error != 0) {
            return error;
        }
        return ub_futex_wait != NULL
                   ? ub_thread_serve(ub_futex_wait(address, value, bitset, deadline))
                   : wait_alone(address, value, deadline);
    }
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return ub_futex_wake != NULL ? ub_futex_wake(address, value, bitset) : 0;
    case FUTEX_REQUEUE:
        return ub_futex_requeue != NULL ? ub_futex_requeue(address, value, count, target, NULL) : 0;
    case FUTEX_CMP_REQUEUE:
        return ub_futex_requeue != NULL ? ub_futex_requeue(address, value, count, target, &value3)
                                        : 0;
    default:
        return -ENOSYS;
    }
}
