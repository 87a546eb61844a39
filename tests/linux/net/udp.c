/* UDP over 127.0.0.1: whole datagrams, names, control messages, several at once. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fact.h"

#define SENDMMSG 307
#define RECVMMSG 299

static struct sockaddr_in name_of[2];
static int file[2];
static char bytes[70000];

static void open_both(void)
{
    for (int i = 0; i < 2; i++) {
        socklen_t size = sizeof name_of[i];
        name_of[i] = (struct sockaddr_in){.sin_family = AF_INET};
        name_of[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        file[i] = socket(AF_INET, SOCK_DGRAM, 0);
        FACT(bind(file[i], (struct sockaddr *)&name_of[i], size));
        FACT(getsockname(file[i], (struct sockaddr *)&name_of[i], &size));
    }
}

static int ready(int of)
{
    struct pollfd entry = {.fd = of, .events = POLLIN | POLLOUT};
    return poll(&entry, 1, 100) == 1 ? entry.revents : 0;
}

static long send_to(int to, size_t size)
{
    return sendto(file[0], bytes, size, 0, (struct sockaddr *)&name_of[to], sizeof name_of[to]);
}

static void whole(void)
{
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    FACT(ready(file[1]));
    FACT(send_to(1, 10));
    FACT(send_to(1, 0));
    FACT(send_to(1, 65507));
    FACT(send_to(1, 65508));
    FACT(send_to(1, 70000));
    FACT(ready(file[1]));
    int waiting = 0;
    FACT(ioctl(file[1], FIONREAD, &waiting));
    printf("waiting: %d\n", waiting);
    FACT(recvfrom(file[1], bytes, 4, MSG_PEEK, (struct sockaddr *)&from, &size));
    printf("from the other: %d, %d\n", from.sin_port == name_of[0].sin_port, (int)size);
    size = 4;
    FACT(recvfrom(file[1], bytes, 4, MSG_TRUNC, (struct sockaddr *)&from, &size));
    printf("size: %d\n", (int)size);
    FACT(recv(file[1], bytes, 100, 0));
    FACT(recv(file[1], bytes, sizeof bytes, 0));
    FACT(recv(file[1], bytes, 100, MSG_DONTWAIT));
}

static void control(void)
{
    char room[128];
    struct sockaddr_in from;
    struct iovec pieces[2] = {{bytes, 3}, {bytes + 100, 100}};
    struct msghdr header = {.msg_name = &from,
                            .msg_namelen = sizeof from,
                            .msg_iov = pieces,
                            .msg_iovlen = 2,
                            .msg_control = room,
                            .msg_controllen = sizeof room};
    FACT(setsockopt(file[1], IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int)));
    FACT(send_to(1, 20));
    FACT(recvmsg(file[1], &header, 0));
    struct cmsghdr *entry = CMSG_FIRSTHDR(&header);
    printf("control: %d bytes, level %d, type %d, flags %x, name %d\n", (int)header.msg_controllen,
           entry != NULL ? entry->cmsg_level : -1, entry != NULL ? entry->cmsg_type : -1,
           (unsigned)header.msg_flags, (int)header.msg_namelen);
    if (entry != NULL) {
        struct in_pktinfo information;
        memcpy(&information, CMSG_DATA(entry), sizeof information);
        printf("to %s\n", inet_ntoa(information.ipi_addr));
    }
    header.msg_controllen = 4;
    FACT(send_to(1, 20));
    FACT(recvmsg(file[1], &header, 0));
    printf("control: %d bytes, flags %x\n", (int)header.msg_controllen, (unsigned)header.msg_flags);
}

static void several(void)
{
    struct mmsghdr messages[4];
    struct iovec pieces[4];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 4; i++) {
        pieces[i] = (struct iovec){bytes + i * 100, (size_t)i * 10};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    FACT(connect(file[0], (struct sockaddr *)&name_of[1], sizeof name_of[1]));
    FACT(sendmmsg(file[0], messages, 4, 0));
    for (int i = 0; i < 4; i++) {
        printf("sent %u\n", messages[i].msg_len);
        pieces[i].iov_len = 100;
    }
    FACT(recvmmsg(file[1], messages, 2, 0, NULL));
    FACT(recvmmsg(file[1], messages + 2, 2, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 4; i++) {
        printf("received %u\n", messages[i].msg_len);
    }
    FACT(recvmmsg(file[1], messages, 4, MSG_DONTWAIT, NULL));
    FACT(raw(SENDMMSG, file[0], (long)NOWHERE, 1, 0, 0));
    FACT(raw(RECVMMSG, file[1], (long)messages, 1, 0, (long)&(struct timespec){0, -1}));
}

static void errors(void)
{
    int fresh = socket(AF_INET, SOCK_DGRAM, 0);
    FACT(send(fresh, "a", 1, 0));
    FACT(sendto(fresh, "a", 1, 0, (struct sockaddr *)&name_of[1], 7));
    FACT(sendto(fresh, "a", 1, 0, NOWHERE, sizeof name_of[1]));
    FACT(sendto(fresh, "a", 1, 0, (struct sockaddr *)&name_of[1], 200));
    struct sockaddr_in other = name_of[1];
    other.sin_family = 77;
    FACT(sendto(fresh, "a", 1, 0, (struct sockaddr *)&other, sizeof other));
    FACT(bind(fresh, (struct sockaddr *)&name_of[1], sizeof name_of[1]));
    other = name_of[1];
    other.sin_port = 0;
    other.sin_addr.s_addr = inet_addr("192.0.2.1");
    FACT(bind(fresh, (struct sockaddr *)&other, sizeof other));
    FACT(listen(fresh, 1));
    FACT(accept(fresh, NULL, NULL));
    FACT(getpeername(fresh, (struct sockaddr *)&other, &(socklen_t){sizeof other}));
    FACT(shutdown(fresh, SHUT_RD));
    FACT(recvfrom(file[1], bytes, 1, MSG_DONTWAIT, NOWHERE, NOWHERE));
    FACT(send(file[0], "a", 1, 0));
    FACT(recvfrom(file[1], bytes, 1, 0, (struct sockaddr *)&other, NOWHERE));
    struct timeval time = {0, 20000};
    FACT(setsockopt(file[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    FACT(recv(file[1], bytes, 1, 0));
    close(fresh);
}

/* A port that nobody has, on this host: the first use after the answer fails. */
static void nobody(void)
{
    int fresh = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in closed = name_of[1];
    struct pollfd entry = {.fd = fresh, .events = POLLIN};
    close(file[1]);
    FACT(connect(fresh, (struct sockaddr *)&closed, sizeof closed));
    FACT(send(fresh, "a", 1, 0));
    FACT(poll(&entry, 1, 1000));
    printf("%x\n", entry.revents);
    FACT(recv(fresh, bytes, 10, MSG_DONTWAIT));
    FACT(recv(fresh, bytes, 10, MSG_DONTWAIT));
    FACT(send(fresh, "a", 1, 0));
    FACT(poll(&entry, 1, 1000));
    FACT(send(fresh, "a", 1, 0));
    FACT(send(fresh, "a", 1, 0));
    int error = -1;
    socklen_t size = sizeof error;
    FACT(poll(&entry, 1, 1000));
    FACT(getsockopt(fresh, SOL_SOCKET, SO_ERROR, &error, &size));
    printf("%s\n", strerror(error));
    close(fresh);
}

int main(void)
{
    open_both();
    whole();
    control();
    several();
    errors();
    nobody();
    return 0;
}
