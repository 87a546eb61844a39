/* The array element of sendmmsg(2) and recvmmsg(2). */
#ifndef UNIBUILD_SOCKET_MULTIPLE_H
#define UNIBUILD_SOCKET_MULTIPLE_H

#include <sys/socket.h>

struct multiple {
    struct msghdr header;
    unsigned length;
};

#define MULTIPLE_LIMIT 1024u

#endif
