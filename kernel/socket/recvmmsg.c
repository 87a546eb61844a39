/*
 * recvmmsg(2). As on Linux the timeout is looked at after each message that came, and the first
 * message is waited for without it.
 */
#include <time.h>

#include "endpoint.h"
#include "multiple.h"

static uint64_t deadline_of(const struct timespec *timeout)
{
    if (timeout == NULL) {
        return UB_CLOCK_NEVER;
    }
    return ub_clock_monotonic() + (uint64_t)timeout->tv_sec * UB_NANOSECONDS_PER_SECOND +
           (uint64_t)timeout->tv_nsec;
}

long ub_sys_recvmmsg(long descriptor, long messages, long count, long flags, long timeout);
long ub_sys_recvmmsg(long descriptor, long messages, long count, long flags, long timeout)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    uint64_t deadline = deadline_of((const struct timespec *)timeout);
    struct multiple *message = (struct multiple *)messages;
    unsigned wanted = (unsigned)count < MULTIPLE_LIMIT ? (unsigned)count : MULTIPLE_LIMIT;
    unsigned how = (unsigned)flags & ~(unsigned)MSG_WAITFORONE;
    unsigned done = 0;
    result = 0;
    while (done < wanted) {
        result = ub_socket_receive_header(socket, &message->header, how);
        if (result < 0) {
            break;
        }
        message->length = (unsigned)result;
        message++;
        done++;
        if ((flags & MSG_WAITFORONE) != 0) {
            how |= MSG_DONTWAIT;
        }
        if (deadline != UB_CLOCK_NEVER && ub_clock_monotonic() >= deadline) {
            break;
        }
    }
    return ub_socket_leave(socket, done != 0 ? (long)done : result);
}
