/* TCP: data both ways, connecting in its variants, listening. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

#define LONG 300000

static void fresh(int file)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    char byte;
    FAILS(send(file, "x", 1, MSG_NOSIGNAL), EPIPE);
    FAILS(recv(file, &byte, 1, 0), ENOTCONN);
    FAILS(getpeername(file, generic(&name), &size), ENOTCONN);
    FAILS(accept(file, NULL, NULL), EINVAL);
    GIVES(poll_one(file, POLLIN | POLLOUT, 0), POLLOUT | POLLHUP);
    GIVES(set_option(file, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    GIVES(get_option(file, IPPROTO_TCP, TCP_NODELAY), 1);
}

static void short_data(int file)
{
    char data[16];
    GIVES(send(file, "abcdef", 6, MSG_NOSIGNAL), 6);
    TRUE(recv(file, data, 6, MSG_WAITALL) == 6 && memcmp(data, "abcdef", 6) == 0);
    GIVES(send(file, "abc", 3, 0), 3);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    GIVES(recv(file, data, 2, MSG_PEEK), 2);
    GIVES(recv(file, data, 1, 0), 1);
    TRUE(recv(file, data, 6, 0) == 2 && memcmp(data, "bc", 2) == 0);
    FAILS(recv(file, data, 3, MSG_DONTWAIT), EAGAIN);
}

/* More than all windows and buffers hold, sent and received at once without blocking. */
static void long_data(int file)
{
    static char out[LONG];
    static char in[LONG];
    size_t sent = 0;
    size_t got = 0;
    for (size_t i = 0; i < LONG; i++) {
        out[i] = (char)(i * 31 + i / 256);
    }
    fcntl(file, F_SETFL, O_NONBLOCK);
    while (got < LONG) {
        int events = poll_one(file, sent < LONG ? POLLIN | POLLOUT : POLLIN, 10000);
        if (events == 0) {
            FAIL("stalled", got);
            break;
        }
        ssize_t length = events & POLLOUT ? write(file, out + sent, LONG - sent) : 0;
        sent += length > 0 ? (size_t)length : 0;
        length = events & POLLIN ? read(file, in + got, LONG - got) : 0;
        got += length > 0 ? (size_t)length : 0;
    }
    TRUE(memcmp(in, out, LONG) == 0);
    fcntl(file, F_SETFL, 0);
}

static void ending(int file)
{
    char byte;
    GIVES(shutdown(file, SHUT_WR), 0);
    FAILS(send(file, "x", 1, MSG_NOSIGNAL), EPIPE);
    GIVES(recv(file, &byte, 1, 0), 0);
    GIVES(recv(file, &byte, 1, 0), 0);
    TRUE((poll_one(file, POLLIN, 5000) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP));
}

void check_streams(void)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int file = socket(AF_INET, SOCK_STREAM, 0);
    fresh(file);
    GIVES(connect(file, generic(&tcp_peer), sizeof tcp_peer), 0);
    FAILS(connect(file, generic(&tcp_peer), sizeof tcp_peer), EISCONN);
    FAILS(listen(file, 1), EINVAL);
    TRUE(getsockname(file, generic(&name), &size) == 0 && ntohs(name.sin_port) >= 32768);
    TRUE(getpeername(file, generic(&name), &size) == 0 && name.sin_port == tcp_peer.sin_port);
    short_data(file);
    long_data(file);
    ending(file);
    close(file);
}

void check_connecting(void)
{
    struct linger reset = {.l_onoff = 1};
    struct sockaddr_in closed = tcp_peer;
    closed.sin_port = htons(1);
    int file = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(connect(file, generic(&closed), sizeof closed), ECONNREFUSED);
    close(file);

    file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(connect(file, generic(&closed), sizeof closed), EINPROGRESS);
    TRUE((poll_one(file, POLLOUT, 5000) & POLLERR) != 0);
    GIVES(get_option(file, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    close(file);

    file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(connect(file, generic(&tcp_peer), sizeof tcp_peer), EINPROGRESS);
    GIVES(poll_one(file, POLLOUT, 5000), POLLOUT);
    GIVES(get_option(file, SOL_SOCKET, SO_ERROR), 0);
    GIVES(setsockopt(file, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(file);
}

void check_listening(void)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    GIVES(listen(file, 5), 0);
    TRUE(getsockname(file, generic(&name), &size) == 0 && name.sin_port != 0);
    FAILS(accept(file, NULL, NULL), EAGAIN);
    GIVES(get_option(file, SOL_SOCKET, SO_ACCEPTCONN), 1);
    GIVES(poll_one(file, POLLIN | POLLOUT, 0), 0);
    int second = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(bind(second, generic(&name), sizeof name), EADDRINUSE);
    close(second);
    close(file);
    file = socket(AF_INET, SOCK_STREAM, 0);
    GIVES(set_option(file, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    GIVES(bind(file, generic(&name), sizeof name), 0);
    GIVES(listen(file, 1), 0);
    close(file);
}
