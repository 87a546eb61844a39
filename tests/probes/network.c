/*
 * C16, C17, C19, C24: the guest's side of network_probe.py, which sees its Ethernet frames.
 *
 * Listens on TCP 7000 (accepts and closes) and UDP 7001. A datagram there is a command:
 *   "tcp PORT COUNT"  connects COUNT times to the sender's PORT (the peer refuses), then answers
 *   "udp PORT COUNT"  sends one datagram from each of COUNT new sockets, then answers
 *   anything else     is answered with itself
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

static int listener(int type, unsigned short port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_ANY)},
    };
    int file = socket(AF_INET, type, 0);
    if (file < 0 || bind(file, (struct sockaddr *)&address, sizeof address) != 0 ||
        (type == SOCK_STREAM && listen(file, 64) != 0)) {
        exit(probe_text("network", "listening", "an error"));
    }
    return file;
}

static void connect_many(struct sockaddr_in peer, int count)
{
    for (int i = 0; i < count; i++) {
        int file = socket(AF_INET, SOCK_STREAM, 0);
        (void)connect(file, (struct sockaddr *)&peer, sizeof peer); /* refused, as agreed */
        close(file);
    }
}

static void send_many(struct sockaddr_in peer, int count)
{
    for (int i = 0; i < count; i++) {
        int file = socket(AF_INET, SOCK_DGRAM, 0);
        (void)sendto(file, "probe", 5, 0, (struct sockaddr *)&peer, sizeof peer);
        close(file);
    }
}

static void command(int file)
{
    char text[1500];
    char kind[4];
    unsigned short port;
    int count;
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    ssize_t length = recvfrom(file, text, sizeof text - 1, 0, (struct sockaddr *)&peer, &size);
    if (length < 0) {
        return;
    }
    text[length] = '\0';
    if (sscanf(text, "%3s %hu %d", kind, &port, &count) == 3) {
        struct sockaddr_in target = peer;
        target.sin_port = htons(port);
        if (strcmp(kind, "tcp") == 0) {
            connect_many(target, count);
        } else {
            send_many(target, count);
        }
    }
    (void)sendto(file, text, (size_t)length, 0, (struct sockaddr *)&peer, size);
}

int main(void)
{
    struct pollfd files[] = {
        {.fd = listener(SOCK_STREAM, 7000), .events = POLLIN},
        {.fd = listener(SOCK_DGRAM, 7001), .events = POLLIN},
    };
    (void)probe_text("network", "ready", "ready");
    for (;;) {
        (void)poll(files, 2, -1);
        if (files[0].revents != 0) {
            int connection = accept(files[0].fd, NULL, NULL);
            if (connection >= 0) {
                close(connection);
            }
        }
        if (files[1].revents != 0) {
            command(files[1].fd);
        }
    }
}
