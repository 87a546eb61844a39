/* Options that servers and runtimes set, what they read back, and what sockets there are. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fact.h"

static int stream;
static int datagram;

static long get(int file, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(file, level, name, &value, &size) == 0 ? value : -1;
}

static int set(int file, int level, int name, int value)
{
    return setsockopt(file, level, name, &value, sizeof value);
}

static void switches(void)
{
    static const struct {
        int level;
        int name;
        const char *text;
    } of[] = {
        {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"}, {SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"},
        {SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"}, {SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST"},
        {SOL_SOCKET, SO_OOBINLINE, "SO_OOBINLINE"}, {IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"},
        {IPPROTO_TCP, TCP_CORK, "TCP_CORK"},        {IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO"},
        {IPPROTO_IP, IP_RECVERR, "IP_RECVERR"},
    };
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        printf("%s\n", of[i].text);
        FACT(get(stream, of[i].level, of[i].name));
        FACT(set(stream, of[i].level, of[i].name, 1));
        FACT(get(stream, of[i].level, of[i].name));
        FACT(set(stream, of[i].level, of[i].name, 0));
        FACT(get(stream, of[i].level, of[i].name));
    }
}

static void numbers(void)
{
    FACT(get(stream, IPPROTO_TCP, TCP_KEEPIDLE));
    FACT(set(stream, IPPROTO_TCP, TCP_KEEPIDLE, 15));
    FACT(get(stream, IPPROTO_TCP, TCP_KEEPIDLE));
    FACT(get(stream, IPPROTO_TCP, TCP_KEEPINTVL));
    FACT(set(stream, IPPROTO_TCP, TCP_KEEPINTVL, 16));
    FACT(get(stream, IPPROTO_TCP, TCP_KEEPINTVL));
    FACT(get(stream, IPPROTO_TCP, TCP_KEEPCNT));
    FACT(set(stream, IPPROTO_TCP, TCP_KEEPCNT, 4));
    FACT(get(stream, IPPROTO_TCP, TCP_KEEPCNT));
    FACT(set(stream, IPPROTO_TCP, TCP_KEEPCNT, 0));
    FACT(get(stream, IPPROTO_IP, IP_TTL));
    FACT(set(stream, IPPROTO_IP, IP_TTL, 9));
    FACT(get(stream, IPPROTO_IP, IP_TTL));
    FACT(set(stream, IPPROTO_IP, IP_TTL, 300));
    FACT(set(stream, SOL_SOCKET, SO_RCVBUF, 30000));
    FACT(get(stream, SOL_SOCKET, SO_RCVBUF));
    FACT(set(datagram, SOL_SOCKET, SO_RCVBUF, 1));
    FACT(get(datagram, SOL_SOCKET, SO_RCVBUF));
    FACT(set(stream, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000));
    FACT(set(stream, IPPROTO_TCP, TCP_QUICKACK, 1));
    FACT(set(stream, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1));
    FACT(set(stream, SOL_SOCKET, SO_PRIORITY, 1));
    FACT(set(datagram, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT));
}

static void facts(void)
{
    FACT(get(stream, SOL_SOCKET, SO_TYPE));
    FACT(get(stream, SOL_SOCKET, SO_DOMAIN));
    FACT(get(stream, SOL_SOCKET, SO_PROTOCOL));
    FACT(get(datagram, SOL_SOCKET, SO_TYPE));
    FACT(get(datagram, SOL_SOCKET, SO_PROTOCOL));
    FACT(get(stream, SOL_SOCKET, SO_ERROR));
    FACT(get(stream, SOL_SOCKET, SO_ACCEPTCONN));
    FACT(listen(stream, 5));
    FACT(get(stream, SOL_SOCKET, SO_ACCEPTCONN));
    struct linger linger = {-1, -1};
    socklen_t size = sizeof linger;
    FACT(getsockopt(stream, SOL_SOCKET, SO_LINGER, &linger, &size));
    printf("linger: %d %d %d\n", linger.l_onoff, linger.l_linger, (int)size);
    struct timeval time = {2, 500000};
    FACT(setsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    size = sizeof time;
    FACT(getsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &time, &size));
    printf("time: %ld.%06ld\n", (long)time.tv_sec, (long)time.tv_usec);
}

static void errors(void)
{
    int value = 1;
    socklen_t size = 2;
    FACT(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, 2));
    FACT(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, (socklen_t)-1));
    FACT(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, NOWHERE, 4));
    FACT(setsockopt(stream, SOL_SOCKET, 9999, &value, 4));
    FACT(setsockopt(stream, IPPROTO_TCP, 9999, &value, 4));
    FACT(setsockopt(stream, IPPROTO_IP, 9999, &value, 4));
    FACT(setsockopt(datagram, IPPROTO_TCP, TCP_NODELAY, &value, 4));
    FACT(setsockopt(1, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    FACT(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    FACT(getsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, &size));
    printf("size: %d\n", (int)size);
    FACT(getsockopt(stream, SOL_SOCKET, SO_REUSEADDR, NOWHERE, &size));
    FACT(getsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, NOWHERE));
    size = (socklen_t)-1;
    FACT(getsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, &size));
    FACT(socket(99, SOCK_STREAM, 0));
    FACT(socket(AF_INET, 99, 0));
    FACT(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    FACT(bind(stream, NOWHERE, 16));
    FACT(bind(stream, NULL, 200));
    FACT(getsockname(stream, NOWHERE, &size));
    FACT(getsockname(1, (struct sockaddr *)&value, &size));
    FACT(shutdown(stream, 5));
}

int main(void)
{
    stream = socket(AF_INET, SOCK_STREAM, 0);
    datagram = socket(AF_INET, SOCK_DGRAM, 0);
    switches();
    numbers();
    facts();
    errors();
    return 0;
}
