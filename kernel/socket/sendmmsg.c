/* sendmmsg(2). */
#include "endpoint.h"
#include "multiple.h"

long ub_sys_sendmmsg(long descriptor, long messages, long count, long flags);
long ub_sys_sendmmsg(long descriptor, long messages, long count, long flags)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    struct multiple *message = (struct multiple *)messages;
    unsigned wanted = (unsigned)count < MULTIPLE_LIMIT ? (unsigned)count : MULTIPLE_LIMIT;
    unsigned done = 0;
    result = 0;
    for (; done < wanted; done++, message++) {
        result = ub_socket_send_header(socket, &message->header, (unsigned)flags);
        if (result < 0) {
            break;
        }
        message->length = (unsigned)result;
    }
    return ub_socket_leave(socket, done != 0 ? (long)done : result);
}
