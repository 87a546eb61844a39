/* bind(2). */
#include "endpoint.h"
#include "lwip/netif.h"

/* Whether the interface has this address; with a lease on the way, the answer is waited for. */
static int check_local(const ip_addr_t *address)
{
    if (ip_addr_isany(address) || ip_addr_isbroadcast(address, netif_default)) {
        return 0;
    }
    int result = ub_network_wait_address(UB_CLOCK_NEVER);
    if (result != 0) {
        return result;
    }
    return ip_addr_cmp(address, netif_ip_addr4(netif_default)) ? 0 : -EADDRNOTAVAIL;
}

long ub_sys_bind(long descriptor, long address, long size);
long ub_sys_bind(long descriptor, long address, long size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    struct sockaddr_in name;
    result = ub_socket_read_address((const struct sockaddr *)address, (socklen_t)size, &name);
    if (result == 0) {
        ip_addr_t local = ub_socket_ip(name.sin_addr);
        result = check_local(&local);
        if (result == 0) {
            result = socket->operations->bind(socket, &local, lwip_ntohs(name.sin_port));
        }
    }
    return ub_socket_leave(socket, result);
}
