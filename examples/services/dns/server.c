#include "server.h"

#include "tcp.h"
#include "udp.h"

#include <errno.h>

const char *server_run(const struct zone_database *zones, const struct sockaddr_in *address,
                       void (*ready)(const struct sockaddr_in *address))
{
    static struct tcp_server tcp;
    struct pollfd polls[1 + 1 + TCP_CONNECTIONS];
    int udp = udp_open(address);
    if (udp < 0) {
        return "cannot open the UDP socket";
    }
    if (!tcp_open(&tcp, zones, address)) {
        return "cannot open the TCP socket";
    }
    ready(address);
    for (;;) {
        int patience = tcp_expire(&tcp);
        polls[0] = (struct pollfd){.fd = udp, .events = POLLIN};
        tcp_prepare(&tcp, polls + 1);
        if (poll(polls, sizeof polls / sizeof polls[0], patience) < 0) {
            if (errno != EINTR) {
                return "cannot wait for queries";
            }
            continue;
        }
        if (polls[0].revents != 0) {
            udp_serve(zones, udp);
        }
        tcp_serve(&tcp, polls + 1);
    }
}
