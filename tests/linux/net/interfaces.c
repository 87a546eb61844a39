/* What getifaddrs tells of the loopback interface, and what AF_NETLINK sockets refuse. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fact.h"

#define AF_NETLINK_ROUTE 0

int main(void)
{
    struct ifaddrs *all;
    FACT(getifaddrs(&all));
    for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (strcmp(one->ifa_name, "lo") == 0 && one->ifa_addr->sa_family == AF_INET) {
            const struct sockaddr_in *address = (const struct sockaddr_in *)one->ifa_addr;
            const struct sockaddr_in *mask = (const struct sockaddr_in *)one->ifa_netmask;
            printf("%s %s", one->ifa_name, inet_ntoa(address->sin_addr));
            printf(" %s %d\n", inet_ntoa(mask->sin_addr), (one->ifa_flags & IFF_LOOPBACK) != 0);
        }
    }
    freeifaddrs(all);
    struct {
        unsigned short family, gap;
        unsigned port, groups;
    } name = {.family = AF_NETLINK};
    socklen_t size = sizeof name;
    int file = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, AF_NETLINK_ROUTE);
    FACT(bind(file, (struct sockaddr *)&name, sizeof name));
    FACT(getsockname(file, (struct sockaddr *)&name, &size));
    printf("%d %d %d\n", name.family, name.port != 0, (int)size);
    FACT(recv(file, &name, sizeof name, MSG_DONTWAIT));
    FACT(socket(AF_NETLINK, SOCK_STREAM, AF_NETLINK_ROUTE));
    close(file);
    return 0;
}
