/* recvfrom(2). */
#include "endpoint.h"

long ub_sys_recvfrom(long descriptor, long data, long size, long flags, long address,
                     long address_size);
long ub_sys_recvfrom(long descriptor, long data, long size, long flags, long address,
                     long address_size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    struct iovec piece = {(void *)data, (size_t)size};
    struct ub_socket_message message = {
        .pieces = &piece,
        .count = 1,
        .size = (size_t)size,
        .flags = (unsigned)flags,
    };
    result = socket->operations->receive(socket, &message);
    if (result >= 0 && message.peer_valid) {
        ub_socket_write_address(&message.peer, (struct sockaddr *)address,
                                (socklen_t *)address_size);
    } else if (result >= 0 && address != 0 && address_size != 0) {
        *(socklen_t *)address_size = 0;
    }
    return ub_socket_leave(socket, result);
}
