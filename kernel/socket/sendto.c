/* sendto(2). */
#include "endpoint.h"

long ub_sys_sendto(long descriptor, long data, long size, long flags, long address,
                   long address_size);
long ub_sys_sendto(long descriptor, long data, long size, long flags, long address,
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
    result = 0;
    if (address != 0) {
        result = ub_socket_read_address(socket, (const struct sockaddr *)address,
                                        (socklen_t)address_size, &message.peer);
        message.peer_valid = true;
    }
    if (result == 0) {
        result = socket->operations->send(socket, &message);
    }
    return ub_socket_leave(socket, result);
}
