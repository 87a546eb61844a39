/* connect(2). */
#include "endpoint.h"

/* The address family alone decides first: AF_UNSPEC dissolves a datagram socket's connection. */
static long read_peer(const struct ub_socket *socket, const struct sockaddr *address,
                      socklen_t size, struct sockaddr_in *peer)
{
    if (address != NULL && size >= sizeof address->sa_family && address->sa_family == AF_UNSPEC) {
        *peer = (struct sockaddr_in){.sin_family = AF_UNSPEC};
        return 0;
    }
    long result = ub_socket_read_address(socket, address, size, peer);
    if (result == 0 && peer->sin_addr.s_addr == INADDR_ANY) {
        /* Linux takes "any" as this host. */
        peer->sin_addr.s_addr = PP_HTONL(INADDR_LOOPBACK);
    }
    return result;
}

long ub_sys_connect(long descriptor, long address, long size);
long ub_sys_connect(long descriptor, long address, long size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    if (socket->operations->connect == NULL) {
        return ub_socket_leave(socket, -EISCONN);
    }
    struct sockaddr_in peer;
    result = read_peer(socket, (const struct sockaddr *)address, (socklen_t)size, &peer);
    if (result == 0) {
        result = socket->operations->connect(socket, &peer);
    }
    return ub_socket_leave(socket, result);
}
