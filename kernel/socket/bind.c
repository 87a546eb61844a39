/* bind(2). */
#include "endpoint.h"
#include "lwip/netif.h"

static const ip_addr_t loopback = IPADDR4_INIT(PP_HTONL(INADDR_LOOPBACK));

/* How long binding waits in all for the interface's first address. */
#define PATIENCE_NS 2000000000ull

/* A program says that it is ready when its sockets are bound, and what is sent to it before the
 * interface has its lease is lost: so the first bindings wait for that. Where no lease comes in
 * time programs go on without; it may come later. */
static void wait_for_lease(void)
{
    static uint64_t deadline;
    if (deadline == 0) {
        deadline = ub_clock_monotonic() + PATIENCE_NS;
    }
    (void)ub_network_wait_address(deadline);
}

/* Whether an interface has this address. */
static int check_local(const ip_addr_t *address)
{
    if (ip_addr_cmp(address, &loopback)) {
        return 0;
    }
    wait_for_lease();
    if (ip_addr_isany(address)) {
        return 0;
    }
    return netif_default != NULL && ip_addr_cmp(address, netif_ip_addr4(netif_default))
               ? 0
               : -EADDRNOTAVAIL;
}

long ub_sys_bind(long descriptor, long address, long size);
long ub_sys_bind(long descriptor, long address, long size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    if (socket->operations->bind == NULL) {
        return ub_socket_leave(socket, -EINVAL);
    }
    struct sockaddr_in name;
    result =
        ub_socket_read_address(socket, (const struct sockaddr *)address, (socklen_t)size, &name);
    if (result == 0 && socket->operations->domain != AF_INET) {
        result = socket->operations->bind(socket, NULL, 0);
    } else if (result == 0) {
        ip_addr_t local = ub_socket_ip(name.sin_addr);
        result = check_local(&local);
        if (result == 0) {
            result = socket->operations->bind(socket, &local, lwip_ntohs(name.sin_port));
        }
    }
    return ub_socket_leave(socket, result);
}
