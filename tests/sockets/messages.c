/* sendmsg, recvmsg and their plural forms: pieces, truncation, names, IP_PKTINFO. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static void pieces_and_names(int file)
{
    char first[3];
    char second[4];
    char control[256];
    struct sockaddr_in from;
    struct iovec pieces[] = {{first, sizeof first}, {second, sizeof second}};
    struct msghdr header = {
        .msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = pieces,
        .msg_iovlen = 2,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    GIVES(sendto(file, "0123456789", 10, 0, generic(&udp_peer), sizeof udp_peer), 10);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    GIVES(recvmsg(file, &header, 0), 7);
    TRUE((header.msg_flags & MSG_TRUNC) != 0);
    TRUE(memcmp(first, "012", 3) == 0 && memcmp(second, "3456", 4) == 0);
    TRUE(header.msg_namelen == sizeof from && from.sin_port == udp_peer.sin_port);
    GIVES(header.msg_controllen, 0);
}

/* The destination of what came, used as the source of the answer. */
static void packet_information(int file)
{
    char data[16];
    char control[256];
    struct sockaddr_in from;
    struct iovec piece = {data, sizeof data};
    struct msghdr header = {
        .msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    GIVES(set_option(file, IPPROTO_IP, IP_PKTINFO, 1), 0);
    GIVES(sendto(file, "pk", 2, 0, generic(&udp_peer), sizeof udp_peer), 2);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    GIVES(recvmsg(file, &header, 0), 2);
    struct cmsghdr *entry = CMSG_FIRSTHDR(&header);
    TRUE(entry != NULL && entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_PKTINFO);
    if (entry == NULL) {
        return;
    }
    struct in_pktinfo information;
    memcpy(&information, CMSG_DATA(entry), sizeof information);
    TRUE(information.ipi_addr.s_addr != INADDR_ANY);
    information.ipi_ifindex = 0;
    information.ipi_spec_dst = information.ipi_addr;
    memcpy(CMSG_DATA(entry), &information, sizeof information);
    piece.iov_len = 2;
    GIVES(sendmsg(file, &header, 0), 2);
    GIVES(poll_one(file, POLLIN, 5000), POLLIN);
    GIVES(recv(file, data, sizeof data, 0), 2);
}

static void several(int file)
{
    enum { COUNT = 4, ROOM = 64 };
    char data[COUNT][ROOM];
    struct iovec pieces[COUNT];
    struct mmsghdr messages[COUNT];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < COUNT; i++) {
        pieces[i] = (struct iovec){data[i], (size_t)i + 1};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &udp_peer;
        messages[i].msg_hdr.msg_namelen = sizeof udp_peer;
    }
    GIVES(sendmmsg(file, messages, COUNT, 0), COUNT);
    int got = 0;
    while (got < COUNT && poll_one(file, POLLIN, 5000) == POLLIN) {
        for (int i = 0; i < COUNT; i++) {
            pieces[i].iov_len = ROOM;
            messages[i].msg_hdr.msg_name = NULL;
            messages[i].msg_hdr.msg_namelen = 0;
        }
        int count = recvmmsg(file, messages, (unsigned)(COUNT - got), MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++) {
            GIVES(messages[i].msg_len, got + i + 1);
        }
        got += count > 0 ? count : COUNT;
    }
    GIVES(got, COUNT);
}

void check_messages(void)
{
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    pieces_and_names(file);
    packet_information(file);
    several(file);
    close(file);
}
