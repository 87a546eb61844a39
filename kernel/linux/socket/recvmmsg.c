/*
 * recvmmsg(2). As on Linux the timeout is looked at after each message that came, and the first
 * message is waited for without it.
 */
#include <time.h>

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>

#include "message.h"

#define SECONDS_MAXIMUM (UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4)

static long deadline_in(uint64_t address, uint64_t *deadline)
{
    struct timespec timeout;
    *deadline = UB_CLOCK_NEVER;
    if (address == 0) {
        return 0;
    }
    if (!ub_user_copy_in(&timeout, address, sizeof timeout)) {
        return -EFAULT;
    }
    if (timeout.tv_sec < 0 || timeout.tv_nsec < 0 ||
        (uint64_t)timeout.tv_nsec >= UB_NANOSECONDS_PER_SECOND) {
        return -EINVAL;
    }
    if ((uint64_t)timeout.tv_sec < SECONDS_MAXIMUM) {
        *deadline = ub_clock_monotonic() + (uint64_t)timeout.tv_sec * UB_NANOSECONDS_PER_SECOND +
                    (uint64_t)timeout.tv_nsec;
    }
    return 0;
}

static long receive_one(int descriptor, uint64_t at, unsigned flags)
{
    struct ub_linux_header header;
    if (!ub_user_copy_in(&header, at, sizeof header)) {
        return -EFAULT;
    }
    long result = ub_linux_receive_header(descriptor, at, &header, flags);
    if (result >= 0) {
        uint32_t length = (uint32_t)result;
        uint64_t to = at + offsetof(struct ub_linux_multiple, length);
        result = ub_user_copy_out(to, &length, sizeof length) ? 0 : -EFAULT;
    }
    return result;
}

UB_LINUX_CALL(recvmmsg)
{
    unsigned wanted = (unsigned)ub_argument(frame, 2);
    unsigned flags = (unsigned)ub_argument(frame, 3);
    unsigned how = flags & ~(unsigned)MSG_WAITFORONE;
    uint64_t deadline;
    long result = deadline_in(ub_argument(frame, 4), &deadline);
    if (result != 0) {
        return result;
    }
    wanted = wanted < UB_LINUX_MULTIPLE_MAXIMUM ? wanted : UB_LINUX_MULTIPLE_MAXIMUM;
    unsigned done = 0;
    while (done < wanted) {
        uint64_t at = ub_argument(frame, 1) + done * sizeof(struct ub_linux_multiple);
        result = receive_one((int)ub_argument(frame, 0), at, how);
        if (result < 0) {
            break;
        }
        done++;
        if ((flags & MSG_WAITFORONE) != 0) {
            how |= MSG_DONTWAIT;
        }
        if (deadline != UB_CLOCK_NEVER && ub_clock_monotonic() >= deadline) {
            break;
        }
    }
    return done != 0 ? (long)done : result;
}
