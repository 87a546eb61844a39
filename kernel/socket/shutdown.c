/* shutdown(2). */
#include "endpoint.h"

long ub_sys_shutdown(long descriptor, long how);
long ub_sys_shutdown(long descriptor, long how)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    result =
        how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : socket->operations->shutdown(socket, (int)how);
    return ub_socket_leave(socket, result);
}
