/*
 * Futexes: waiting for a 32-bit word to change. There is one address space, so a word's address
 * names it, private or shared alike. (A word of a file that is mapped twice has two names.)
 * The words may be the kernel's, of a program linked with it, or of one in ring 3: then they are
 * read by ub_user_load32 alone, and may fault.
 *
 * ub_sys_futex serves FUTEX_WAIT, WAKE, WAIT_BITSET, WAKE_BITSET, REQUEUE and CMP_REQUEUE, with the
 * flags PRIVATE and CLOCK_REALTIME. The priority-inheritance operations answer -ENOSYS, which the
 * C library takes for "no such mutexes here".
 *
 * An image whose program makes no threads links only futex(2) itself, not what is declared here.
 */
#ifndef UNIBUILD_FUTEX_H
#define UNIBUILD_FUTEX_H

#include <stdint.h>

#define UB_FUTEX_ANY UINT32_MAX /* the bitset that meets every waiter's */

/* Wakes at most `count` waiters whose bitset meets `bitset`; returns how many. */
long ub_futex_wake(const void *address, unsigned count, uint32_t bitset);

/* Waits while *address is `expected`, until woken or until the monotonic clock reaches
 * `deadline_ns`. Returns 0, -EAGAIN (the word has another value), -ETIMEDOUT, -EINTR or -EFAULT. */
long ub_futex_wait(const uint32_t *address, uint32_t expected, uint32_t bitset,
                   uint64_t deadline_ns);

/* Wakes `wake` waiters and moves up to `move` others to `target`; when `expected` is not NULL, only
 * if the word still has that value (else -EAGAIN, or -EFAULT). Returns how many were woken and
 * moved. */
long ub_futex_requeue(const uint32_t *address, unsigned wake, unsigned move, const uint32_t *target,
                      const uint32_t *expected);

#endif
