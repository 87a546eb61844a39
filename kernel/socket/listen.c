/* listen(2). */
#include "endpoint.h"

long ub_sys_listen(long descriptor, long backlog);
long ub_sys_listen(long descriptor, long backlog)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    result = socket->operations->listen != NULL ? socket->operations->listen(socket, (int)backlog)
                                                : -EOPNOTSUPP;
    return ub_socket_leave(socket, result);
}
