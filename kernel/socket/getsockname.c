/* getsockname(2). */
#include "endpoint.h"

long ub_sys_getsockname(long descriptor, long address, long size);
long ub_sys_getsockname(long descriptor, long address, long size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    struct sockaddr_in name;
    result = socket->operations->name(socket, false, &name);
    if (result == 0) {
        ub_socket_write_address(&name, (struct sockaddr *)address, (socklen_t *)size);
    }
    return ub_socket_leave(socket, result);
}
