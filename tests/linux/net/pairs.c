/* Pairs of AF_UNIX sockets: streams, datagrams, sequenced packets. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "fact.h"

#define RECVMSG 47

static int pair[2];
static char bytes[1 << 20];

static int ready(int file)
{
    struct pollfd entry = {.fd = file, .events = POLLIN | POLLOUT | POLLRDHUP};
    return poll(&entry, 1, 0) == 1 ? entry.revents : 0;
}

static int option(int file, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(file, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static void *send_all(void *unused)
{
    (void)unused;
    return (void *)send(pair[1], bytes, sizeof bytes, 0);
}

static void streams(void)
{
    FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    FACT(ready(pair[0]));
    FACT(option(pair[0], SO_DOMAIN));
    FACT(option(pair[0], SO_TYPE));
    FACT(option(pair[0], SO_PROTOCOL));
    FACT(option(pair[0], SO_ERROR));
    FACT(write(pair[0], "hello", 5));
    FACT(send(pair[0], " world", 6, 0));
    int waiting = 0;
    FACT(ioctl(pair[1], FIONREAD, &waiting));
    printf("waiting: %d\n", waiting);
    FACT(recv(pair[1], bytes, 3, MSG_PEEK));
    FACT(recv(pair[1], bytes, 100, 0));
    printf("%.11s\n", bytes);
    FACT(recv(pair[1], bytes, 100, MSG_DONTWAIT));
    struct iovec pieces[2] = {{bytes, 2}, {bytes + 10, 5}};
    FACT(writev(pair[0], pieces, 2));
    FACT(readv(pair[1], pieces, 2));
    struct sockaddr_un name;
    socklen_t size = sizeof name;
    FACT(getsockname(pair[0], (struct sockaddr *)&name, &size));
    printf("name: family %d, %d bytes\n", name.sun_family, (int)size);
    size = sizeof name;
    FACT(getpeername(pair[0], (struct sockaddr *)&name, &size));
    printf("name: family %d, %d bytes\n", name.sun_family, (int)size);
    pthread_t sender;
    void *sent;
    pthread_create(&sender, NULL, send_all, NULL);
    FACT(recv(pair[0], bytes, sizeof bytes, MSG_WAITALL));
    pthread_join(sender, &sent);
    printf("sent: %ld\n", (long)sent);
    FACT(shutdown(pair[1], SHUT_WR));
    FACT(ready(pair[0]));
    FACT(ready(pair[1]));
    FACT(read(pair[0], bytes, 1));
    FACT(write(pair[0], "z", 1));
    FACT(write(pair[1], "z", 1));
    FACT(send(pair[1], "z", 1, MSG_NOSIGNAL));
    FACT(close(pair[1]));
    FACT(ready(pair[0]));
    FACT(read(pair[0], bytes, 1));
    FACT(read(pair[0], bytes, 1));
    FACT(write(pair[0], "z", 1));
    close(pair[0]);
}

static void messages(int type)
{
    FACT(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair));
    printf("type %d, flags %x\n", option(pair[0], SO_TYPE),
           (unsigned)fcntl(pair[0], F_GETFL) & O_NONBLOCK);
    FACT(send(pair[0], "one", 3, 0));
    FACT(send(pair[0], "twenty", 6, 0));
    FACT(send(pair[0], "", 0, 0));
    int waiting = 0;
    FACT(ioctl(pair[1], FIONREAD, &waiting));
    printf("waiting: %d\n", waiting);
    FACT(recv(pair[1], bytes, 2, MSG_PEEK | MSG_TRUNC));
    FACT(recv(pair[1], bytes, 100, 0));
    struct iovec piece = {bytes, 4};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    FACT(recvmsg(pair[1], &header, 0));
    printf("flags: %x\n", (unsigned)header.msg_flags);
    FACT(recv(pair[1], bytes, 100, 0));
    FACT(recv(pair[1], bytes, 100, 0));
    FACT(send(pair[0], bytes, sizeof bytes, 0));
    int count = 0;
    while (send(pair[0], bytes, 1000, 0) == 1000) {
        count++;
    }
    printf("full: %d, %s\n", count > 20, strerror(errno));
    printf("writable: %d\n", (ready(pair[0]) & POLLOUT) != 0);
    close(pair[1]);
    FACT(ready(pair[0]));
    FACT(send(pair[0], "z", 1, 0));
    FACT(send(pair[0], "z", 1, 0));
    close(pair[0]);
}

static void errors(void)
{
    FACT(socketpair(AF_INET, SOCK_STREAM, 0, pair));
    FACT(socketpair(AF_UNIX, 77, 0, pair));
    FACT(socketpair(AF_UNIX, SOCK_STREAM, 5, pair));
    FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, NOWHERE));
    FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    FACT(listen(pair[0], 1) == 0);
    FACT(setsockopt(pair[0], IPPROTO_TCP, 1, bytes, 4));
    FACT(recv(pair[0], NOWHERE, 10, MSG_DONTWAIT));
    FACT(send(pair[0], NOWHERE, 10, 0));
    FACT(raw(RECVMSG, pair[0], (long)NOWHERE, 0, 0, 0));
    struct iovec piece = {NULL, (size_t)-1};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    FACT(sendmsg(pair[0], &header, 0));
    header.msg_iovlen = 1025;
    FACT(sendmsg(pair[0], &header, 0));
    close(pair[0]);
    close(pair[1]);
}

static void tell(int number)
{
    printf("signal %d\n", number);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    streams();
    messages(SOCK_DGRAM);
    messages(SOCK_SEQPACKET);
    errors();
    signal(SIGPIPE, tell);
    FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    close(pair[1]);
    FACT(send(pair[0], "z", 1, MSG_NOSIGNAL));
    FACT(send(pair[0], "z", 1, 0));
    FACT(write(pair[0], "z", 1));
    return 0;
}
