/* Options: which are lwIP's own bits, and which change nothing. */
#ifndef UNIBUILD_SOCKET_OPTIONS_H
#define UNIBUILD_SOCKET_OPTIONS_H

#include <sys/socket.h>

#include "endpoint.h"
#include "lwip/ip.h"

/* 0, or -ENOPROTOOPT when the option is not one of those without effect. */
int ub_socket_set_ignored(struct ub_socket *socket, int level, int name, int value);
int ub_socket_get_ignored(const struct ub_socket *socket, int level, int name, int *value);

/* 0 when the option is none of lwIP's. */
static inline u8_t ub_socket_option_bit(int name)
{
    switch (name) {
    case SO_REUSEADDR:
        return SOF_REUSEADDR;
    case SO_KEEPALIVE:
        return SOF_KEEPALIVE;
    case SO_BROADCAST:
        return SOF_BROADCAST;
    default:
        return 0;
    }
}

#endif
