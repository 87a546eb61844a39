/* Sockets under epoll, edge-triggered, and the spread of the ports that the system chooses. */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static void edges(void)
{
    char byte;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int set = epoll_create1(0);
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    GIVES(epoll_ctl(set, EPOLL_CTL_ADD, file, &event), 0);
    GIVES(epoll_wait(set, &event, 1, 0), 0);
    sendto(file, "1", 1, 0, generic(&udp_peer), sizeof udp_peer);
    GIVES(epoll_wait(set, &event, 1, 5000), 1);
    GIVES(epoll_wait(set, &event, 1, 50), 0);
    sendto(file, "2", 1, 0, generic(&udp_peer), sizeof udp_peer);
    GIVES(epoll_wait(set, &event, 1, 5000), 1);
    GIVES(recv(file, &byte, 1, 0), 1);
    GIVES(recv(file, &byte, 1, 0), 1);
    close(file);
    close(set);
}

static void ports(void)
{
    int successors = 0;
    int last = 0;
    for (int i = 0; i < 200; i++) {
        struct sockaddr_in name = ipv4(INADDR_ANY, 0);
        socklen_t size = sizeof name;
        int file = socket(AF_INET, SOCK_DGRAM, 0);
        bind(file, generic(&name), sizeof name);
        getsockname(file, generic(&name), &size);
        successors += ntohs(name.sin_port) == last + 1;
        last = ntohs(name.sin_port);
        close(file);
    }
    TRUE(successors < 5);
}

void check_events(void)
{
    edges();
    ports();
}
