/* Which lwIP option bits stand for which Linux options. */
#ifndef UNIBUILD_SOCKET_OPTIONS_H
#define UNIBUILD_SOCKET_OPTIONS_H

#include <sys/socket.h>

#include "lwip/ip.h"

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
