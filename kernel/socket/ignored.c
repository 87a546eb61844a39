/*
 * Options that programs set as a matter of course and that change nothing here: what they tune does
 * not exist, or is always so. Those that are on or off are remembered; numbers read as Linux's
 * default.
 */
#include <netinet/tcp.h>

#include "options.h"

struct ignored {
    uint8_t level;
    uint8_t name;
    bool number;
    int initial;
};

static const struct ignored ignored[] = {
    {SOL_SOCKET, SO_DONTROUTE, false, 0},
    {SOL_SOCKET, SO_OOBINLINE, false, 0},
    {SOL_SOCKET, SO_NO_CHECK, false, 0},
    {SOL_SOCKET, SO_PASSCRED, false, 0},
    {SOL_SOCKET, SO_PRIORITY, true, 0},
    {SOL_SOCKET, SO_RCVLOWAT, true, 1},
    {SOL_SOCKET, SO_MARK, true, 0},
    {SOL_SOCKET, SO_BUSY_POLL, true, 0},
    {IPPROTO_IP, IP_RECVERR, false, 0},
    {IPPROTO_IP, IP_FREEBIND, false, 0},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, false, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, true, IP_PMTUDISC_WANT},
    {IPPROTO_IP, IP_MULTICAST_TTL, true, 1},
    {IPPROTO_IP, IP_MULTICAST_LOOP, false, 1},
    {IPPROTO_TCP, TCP_QUICKACK, false, 1},
    {IPPROTO_TCP, TCP_MAXSEG, true, 0},
    {IPPROTO_TCP, TCP_SYNCNT, true, 6},
    {IPPROTO_TCP, TCP_LINGER2, true, 60},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, true, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, true, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, true, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, true, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, true, -1},
};

#define COUNT (sizeof ignored / sizeof ignored[0])

_Static_assert(COUNT <= 32, "one bit each in ub_socket.remembered");

static const struct ignored *find(int level, int name)
{
    for (unsigned i = 0; i < COUNT; i++) {
        if (ignored[i].level == level && ignored[i].name == name) {
            return &ignored[i];
        }
    }
    return NULL;
}

int ub_socket_set_ignored(struct ub_socket *socket, int level, int name, int value)
{
    const struct ignored *option = find(level, name);
    if (option == NULL) {
        return -ENOPROTOOPT;
    }
    uint32_t bit = 1u << (option - ignored);
    if (!option->number && (value != 0) != (option->initial != 0)) {
        socket->remembered |= bit;
    } else {
        socket->remembered &= ~bit;
    }
    return 0;
}

int ub_socket_get_ignored(const struct ub_socket *socket, int level, int name, int *value)
{
    const struct ignored *option = find(level, name);
    if (option == NULL) {
        return -ENOPROTOOPT;
    }
    bool changed = (socket->remembered & 1u << (option - ignored)) != 0;
    *value = changed ? option->initial == 0 : option->initial;
    return 0;
}
