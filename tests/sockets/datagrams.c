/* UDP: errors, names, options, timeouts, sizes, fragments. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

static void errors(void)
{
    struct sockaddr_in any = ipv4(INADDR_ANY, 0);
    struct sockaddr_in foreign = ipv4(0x08080808, 1234);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    char byte;
    FAILS(socket(999, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    FAILS(bind(99, generic(&any), sizeof any), EBADF);
    FAILS(bind(1, generic(&any), sizeof any), ENOTSOCK);
    FAILS(listen(1, 1), ENOTSOCK);
    int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    TRUE(file > 2);
    FAILS(listen(file, 1), EOPNOTSUPP);
    FAILS(accept(file, NULL, NULL), EOPNOTSUPP);
    FAILS(lseek(file, 0, SEEK_SET), ESPIPE);
    FAILS(recv(file, &byte, 1, MSG_DONTWAIT), EAGAIN);
    FAILS(getpeername(file, generic(&name), &size), ENOTCONN);
    FAILS(bind(file, generic(&any), 3), EINVAL);
    FAILS(bind(file, generic(&foreign), sizeof foreign), EADDRNOTAVAIL);
    FAILS(set_option(file, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
    FAILS(setsockopt(file, SOL_SOCKET, SO_RCVBUF, &byte, 1), EINVAL);
    FAILS(send(file, "x", 1, 0), EDESTADDRREQ);
    close(file);
}

static void names_and_options(void)
{
    struct sockaddr_in any = ipv4(INADDR_ANY, 0);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    struct stat status;
    int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    GIVES(fcntl(file, F_GETFD), FD_CLOEXEC);
    GIVES(fcntl(file, F_GETFL) & O_ACCMODE, O_RDWR);
    TRUE(fstat(file, &status) == 0 && S_ISSOCK(status.st_mode));
    GIVES(bind(file, generic(&any), sizeof any), 0);
    FAILS(bind(file, generic(&any), sizeof any), EINVAL);
    GIVES(getsockname(file, generic(&name), &size), 0);
    TRUE(size == sizeof name && name.sin_port != 0 && name.sin_addr.s_addr == INADDR_ANY);
    int second = socket(AF_INET, SOCK_DGRAM, 0);
    FAILS(bind(second, generic(&name), sizeof name), EADDRINUSE);
    close(second);
    GIVES(get_option(file, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    GIVES(get_option(file, SOL_SOCKET, SO_DOMAIN), AF_INET);
    GIVES(get_option(file, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    GIVES(get_option(file, SOL_SOCKET, SO_ERROR), 0);
    GIVES(set_option(file, SOL_SOCKET, SO_RCVBUF, 20000), 0);
    GIVES(get_option(file, SOL_SOCKET, SO_RCVBUF), 40000);
    close(file);
}

static void timeouts(void)
{
    char byte;
    struct timeval wait = {.tv_usec = 150000};
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    GIVES(setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    double start = seconds();
    FAILS(recv(file, &byte, 1, 0), EAGAIN);
    TRUE(seconds() - start > 0.14 && seconds() - start < 5);
    GIVES(poll_one(file, POLLIN | POLLOUT, 0), POLLOUT);
    start = seconds();
    GIVES(poll_one(file, POLLIN, 100), 0);
    TRUE(seconds() - start > 0.09 && seconds() - start < 5);
    fcntl(file, F_SETFL, O_NONBLOCK);
    FAILS(recv(file, &byte, 1, 0), EAGAIN);
    close(file);
}

static void contents(void)
{
    static char data[65600];
    static char back[65600];
    int waiting = 0;
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t size = sizeof udp_peer;
    GIVES(sendto(file, "hello", 5, 0, generic(&udp_peer), size), 5);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    TRUE(ioctl(file, FIONREAD, &waiting) == 0 && waiting == 5);
    TRUE(recv(file, back, 2, MSG_PEEK) == 2 && memcmp(back, "he", 2) == 0);
    GIVES(recv(file, back, 2, MSG_TRUNC), 5);
    GIVES(sendto(file, "", 0, 0, generic(&udp_peer), size), 0);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    GIVES(recv(file, back, sizeof back, 0), 0);
    /* More than a frame: fragments out and in. */
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)(i * 7 + i / 251);
    }
    GIVES(sendto(file, data, 8000, 0, generic(&udp_peer), size), 8000);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    TRUE(recv(file, back, sizeof back, 0) == 8000 && memcmp(data, back, 8000) == 0);
    FAILS(sendto(file, data, 65508, 0, generic(&udp_peer), size), EMSGSIZE);
    close(file);
}

static void connected(void)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    char byte;
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    GIVES(connect(file, generic(&udp_peer), sizeof udp_peer), 0);
    TRUE(getpeername(file, generic(&name), &size) == 0 && name.sin_port == udp_peer.sin_port);
    GIVES(send(file, "c", 1, 0), 1);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    GIVES(recv(file, &byte, 1, 0), 1);
    TRUE(getsockname(file, generic(&name), &size) == 0 && name.sin_addr.s_addr != INADDR_ANY);
    name.sin_family = AF_UNSPEC;
    GIVES(connect(file, generic(&name), sizeof name), 0);
    FAILS(send(file, "x", 1, 0), EDESTADDRREQ);
    close(file);
}

void check_datagrams(void)
{
    errors();
    names_and_options();
    timeouts();
    contents();
    connected();
}
