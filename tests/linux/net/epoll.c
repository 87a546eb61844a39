/* epoll: level, edge, once; what may join a set; sets in sets. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fact.h"

#define EPOLL_WAIT 232
#define EPOLL_CREATE 213

static int set;

static int control(int operation, int file, unsigned events, unsigned data)
{
    struct epoll_event event = {.events = events, .data.u32 = data};
    return epoll_ctl(set, operation, file, &event);
}

static void show(const char *when)
{
    struct epoll_event events[8];
    int count = epoll_wait(set, events, 8, 0);
    printf("%s: %d", when, count);
    for (int i = 0; i < count; i++) {
        printf(" [%u: %x]", events[i].data.u32, events[i].events);
    }
    putchar('\n');
}

static void add_to(int counter, uint64_t value)
{
    FACT(write(counter, &value, sizeof value));
}

static void kinds_of_waiting(void)
{
    uint64_t value;
    int counter = eventfd(0, EFD_NONBLOCK);
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN, 1));
    show("nothing yet");
    add_to(counter, 3);
    show("level");
    show("level, again");
    FACT(read(counter, &value, sizeof value));
    show("level, read");
    FACT(control(EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLET, 2));
    show("edge, nothing");
    add_to(counter, 1);
    show("edge");
    show("edge, again");
    add_to(counter, 1);
    show("edge, another write");
    FACT(control(EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLET, 3));
    show("edge, set again while ready");
    FACT(control(EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLONESHOT, 4));
    show("once");
    add_to(counter, 1);
    show("once, another write");
    FACT(control(EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLONESHOT, 5));
    show("once, armed again");
    FACT(control(EPOLL_CTL_DEL, counter, 0, 0));
    show("taken out");
    close(counter);
}

static void errors(void)
{
    int counter = eventfd(0, 0);
    int regular = open("/proc/self/exe", O_RDONLY);
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN, 0));
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN, 0));
    FACT(control(EPOLL_CTL_MOD, 77, EPOLLIN, 0));
    FACT(control(EPOLL_CTL_MOD, set, EPOLLIN, 0));
    FACT(control(EPOLL_CTL_DEL, counter + 1, 0, 0));
    FACT(control(99, counter, EPOLLIN, 0));
    FACT(control(EPOLL_CTL_ADD, regular, EPOLLIN, 0));
    FACT(epoll_ctl(set, EPOLL_CTL_MOD, counter, NOWHERE));
    FACT(epoll_ctl(set, EPOLL_CTL_DEL, counter, NOWHERE));
    FACT(epoll_ctl(counter, EPOLL_CTL_ADD, set, NOWHERE));
    FACT(epoll_ctl(77, EPOLL_CTL_DEL, counter, NULL));
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0));
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE, 0));
    FACT(control(EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLEXCLUSIVE, 0));
    FACT(control(EPOLL_CTL_DEL, counter, 0, 0));
    struct epoll_event event;
    FACT(epoll_wait(set, &event, 0, 0));
    FACT(epoll_wait(set, &event, -1, 0));
    FACT(epoll_wait(counter, &event, 1, 0));
    FACT(epoll_wait(77, &event, 1, 0));
    FACT(epoll_wait(set, &event, 1, 5));
    add_to(counter, 1);
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN, 7));
    FACT(epoll_wait(set, NOWHERE, 1, 0));
    show("after a bad address");
    FACT(epoll_create1(~EPOLL_CLOEXEC));
    FACT(raw(EPOLL_CREATE, 0, 0, 0, 0, 0));
    FACT(close((int)raw(EPOLL_CREATE, 1, 0, 0, 0, 0)));
    FACT(raw(EPOLL_WAIT, set, (long)&event, 1, 5, 0));
    close(counter);
    close(regular);
    show("closed");
}

static void nested(void)
{
    int inner = epoll_create1(0);
    int counter = eventfd(0, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 10};
    FACT(epoll_ctl(inner, EPOLL_CTL_ADD, counter, &event));
    FACT(control(EPOLL_CTL_ADD, inner, EPOLLIN, 11));
    FACT(epoll_ctl(inner, EPOLL_CTL_ADD, set, &event));
    show("inner, nothing");
    add_to(counter, 1);
    show("inner");
    FACT(epoll_wait(inner, &event, 1, 0));
    close(inner);
    show("inner closed");
    close(counter);
}

static void sockets(void)
{
    int pair[2];
    char bytes[16];
    FACT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    FACT(control(EPOLL_CTL_ADD, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 20));
    show("new pair");
    show("new pair, again");
    FACT(write(pair[1], "abc", 3));
    show("three bytes");
    FACT(read(pair[0], bytes, 2));
    show("one left");
    FACT(write(pair[1], "d", 1));
    show("one more");
    FACT(read(pair[0], bytes, sizeof bytes));
    FACT(read(pair[0], bytes, sizeof bytes));
    FACT(shutdown(pair[1], SHUT_WR));
    show("half closed");
    close(pair[1]);
    show("closed");
    FACT(read(pair[0], bytes, sizeof bytes));
    FACT(control(EPOLL_CTL_MOD, pair[0], 0, 21));
    show("only what is always told");
    close(pair[0]);
    show("both closed");
}

static void duplicates(void)
{
    int counter = eventfd(1, 0);
    int other = dup(counter);
    FACT(control(EPOLL_CTL_ADD, counter, EPOLLIN, 30));
    FACT(control(EPOLL_CTL_ADD, other, EPOLLIN, 31));
    show("two descriptors of one file");
    close(counter);
    show("one closed, the file is open");
    close(other);
    show("both closed");
}

int main(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    kinds_of_waiting();
    errors();
    nested();
    sockets();
    duplicates();
    return 0;
}
