/*
 * futex(2) for Linux programs: what waits and wakes is kernel/futex; here are the copy of the time,
 * and FUTEX_WAKE_OP, which changes a word of the program between two wakes.
 *
 * FUTEX_LOCK_PI and its kin are in owner.c, where there are threads at all. WAIT_REQUEUE_PI,
 * CMP_REQUEUE_PI and FD answer -ENOSYS.
 */
#include <time.h>

#include <unibuild/futex.h>
#include <unibuild/linux_call.h>
#include <unibuild/user.h>

#include "owner.h"

#define FUTEX_WAIT 0
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256

/* Without threads there is nobody to wake, and kernel/futex is not linked. */
#pragma weak ub_futex_wake
#pragma weak ub_linux_futex_lock
#pragma weak ub_linux_futex_unlock

long ub_sys_futex(uint64_t address, long operation, uint32_t value, const void *timeout_or_count,
                  uint64_t target, uint32_t value3);

/* FUTEX_WAKE_OP's fifth word: what to do with the target (bits 28 to 31), with what (12 to 23), and
 * how its former value (24 to 27) compares with another (0 to 11). Bit 31: 1 << operand. */
#define OPERATION(word) ((word) >> 28 & 7)
#define COMPARISON(word) ((word) >> 24 & 15)

static int32_t signed_of(uint32_t twelve_bits)
{
    return (int32_t)(twelve_bits << 20) >> 20;
}

static bool operate(uint32_t word, uint32_t before, uint32_t *after)
{
    uint32_t operand = (uint32_t)signed_of(word >> 12 & 0xfff);
    if (word >> 31) {
        operand = 1U << (operand & 31);
    }
    switch (OPERATION(word)) {
    case 0:
        *after = operand;
        return true;
    case 1:
        *after = before + operand;
        return true;
    case 2:
        *after = before | operand;
        return true;
    case 3:
        *after = before & ~operand;
        return true;
    case 4:
        *after = before ^ operand;
        return true;
    default:
        return false;
    }
}

static bool holds(uint32_t word, int32_t before)
{
    int32_t other = signed_of(word & 0xfff);
    switch (COMPARISON(word)) {
    case 0:
        return before == other;
    case 1:
        return before != other;
    case 2:
        return before < other;
    case 3:
        return before <= other;
    case 4:
        return before > other;
    default:
        return before >= other;
    }
}

static long wake_operate(uint64_t address, uint32_t count, uint32_t target_count, uint64_t target,
                         uint32_t word)
{
    uint32_t before, after;
    if ((address & 3) != 0 || (target & 3) != 0) {
        return -EINVAL;
    }
    if (!ub_user_load32(target, &before)) {
        return -EFAULT;
    }
    if (COMPARISON(word) > 5) {
        return -ENOSYS;
    }
    uint32_t seen = before;
    do {
        before = seen;
        if (!operate(word, before, &after)) {
            return -ENOSYS;
        }
        if (!ub_user_exchange32(target, &seen, after)) {
            return -EFAULT;
        }
    } while (seen != before);
    if (ub_futex_wake == NULL) {
        return 0;
    }
    long woken = ub_futex_wake((const void *)address, count, UB_FUTEX_ANY);
    if (holds(word, (int32_t)before)) {
        woken += ub_futex_wake((const void *)target, target_count, UB_FUTEX_ANY);
    }
    return woken;
}

static long futex_with_owner(long command, uint64_t address, const struct timespec *until,
                             bool realtime)
{
    if (ub_linux_futex_lock == NULL) {
        return -ENOSYS;
    }
    if ((address & 3) != 0) {
        return -EINVAL;
    }
    if (command == FUTEX_UNLOCK_PI) {
        return ub_linux_futex_unlock(address);
    }
    return ub_linux_futex_lock(address, until, realtime || command == FUTEX_LOCK_PI,
                               command == FUTEX_TRYLOCK_PI);
}

UB_LINUX_CALL(futex)
{
    uint64_t address = ub_argument(frame, 0);
    long operation = (int)ub_argument(frame, 1);
    uint32_t value = (uint32_t)ub_argument(frame, 2);
    uint64_t timeout = ub_argument(frame, 3);
    uint64_t target = ub_argument(frame, 4);
    uint32_t value3 = (uint32_t)ub_argument(frame, 5);
    struct timespec time;

    long command = operation & ~(long)(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    if ((operation & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT &&
        command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2) {
        return -ENOSYS;
    }
    if (address >= UB_USER_END) {
        return (address & 3) != 0 ? -EINVAL : -EFAULT;
    }
    bool timed = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET ||
                 command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
    if (timed && timeout != 0 && !ub_user_copy_in(&time, timeout, sizeof time)) {
        return -EFAULT;
    }
    const struct timespec *until = timed && timeout != 0 ? &time : NULL;
    switch (command) {
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_UNLOCK_PI:
    case FUTEX_TRYLOCK_PI:
        return futex_with_owner(command, address, until, (operation & FUTEX_CLOCK_REALTIME) != 0);
    case FUTEX_WAKE_OP:
        return wake_operate(address, value, (uint32_t)timeout, target, value3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        if ((int32_t)value < 0 || (int32_t)timeout < 0 || (target & 3) != 0) {
            return -EINVAL;
        }
        if (target >= UB_USER_END) {
            return -EFAULT;
        }
        return ub_sys_futex(address, operation, value, (const void *)timeout, target, value3);
    default:
        return ub_sys_futex(address, operation, value, until, target, value3);
    }
}
