/* sendmsg(2). */
#include "endpoint.h"

long ub_sys_sendmsg(long descriptor, long header, long flags);
long ub_sys_sendmsg(long descriptor, long header, long flags)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    result = ub_socket_send_header(socket, (const struct msghdr *)header, (unsigned)flags);
    return ub_socket_leave(socket, result);
}
