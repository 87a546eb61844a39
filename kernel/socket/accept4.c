/* accept4(2). */
#include <fcntl.h>

#include "endpoint.h"

long ub_sys_accept4(long descriptor, long address, long size, long flags);
long ub_sys_accept4(long descriptor, long address, long size, long flags)
{
    if ((flags & ~(long)(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
        return -EINVAL;
    }
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    struct ub_socket *connection = NULL;
    result = socket->operations->accept != NULL ? socket->operations->accept(socket, &connection)
                                                : -EOPNOTSUPP;
    struct sockaddr_in peer = {.sin_family = AF_INET};
    if (connection != NULL) {
        (void)connection->operations->name(connection, true, &peer);
    }
    result = ub_socket_leave(socket, result);
    if (result != 0) {
        return result;
    }
    connection->file.flags |= (flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    result = ub_file_install(&connection->file, (flags & SOCK_CLOEXEC) != 0 ? O_CLOEXEC : 0);
    if (result < 0) {
        ub_file_put(&connection->file);
    } else {
        ub_socket_write_address(&peer, (struct sockaddr *)address, (socklen_t *)size);
    }
    return result;
}
