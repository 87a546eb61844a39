/* poll, select, epoll, eventfd, timerfd and pipes: the first argument names the check. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static void *write_later(void *argument)
{
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    (void)!write((int)(long)argument, "x", 1);
    return NULL;
}

static int pipe_probe(void)
{
    struct probe_checks checks = {0};
    int ends[2];
    char buffer[70000] = {0};
    PROBE_CHECK(&checks, pipe2(ends, O_NONBLOCK) == 0);
    PROBE_CHECK(&checks, read(ends[0], buffer, 1) == -1 && errno == EAGAIN);
    PROBE_CHECK(&checks, write(ends[1], buffer, sizeof buffer) == 65536);
    PROBE_CHECK(&checks, write(ends[1], buffer, 1) == -1 && errno == EAGAIN);
    PROBE_CHECK(&checks, read(ends[0], buffer, sizeof buffer) == 65536);
    PROBE_CHECK(&checks, write(ends[1], "abc", 3) == 3);
    PROBE_CHECK(&checks, close(ends[1]) == 0);
    PROBE_CHECK(&checks, read(ends[0], buffer, 10) == 3 && memcmp(buffer, "abc", 3) == 0);
    PROBE_CHECK(&checks, read(ends[0], buffer, 10) == 0);
    PROBE_CHECK(&checks, close(ends[0]) == 0);
    PROBE_CHECK(&checks, close(ends[0]) == -1 && errno == EBADF);

    PROBE_CHECK(&checks, pipe(ends) == 0);
    pthread_t writer;
    pthread_create(&writer, NULL, write_later, (void *)(long)ends[1]);
    PROBE_CHECK(&checks, read(ends[0], buffer, 10) == 1); /* waits for the other thread */
    pthread_join(writer, NULL);
    close(ends[0]);
    PROBE_CHECK(&checks, write(ends[1], "x", 1) == -1 && errno == EPIPE);
    return probe_done("pipe", &checks);
}

static int poll_probe(void)
{
    struct probe_checks checks = {0};
    int ends[2];
    pthread_t writer;
    PROBE_CHECK(&checks, pipe(ends) == 0);
    struct pollfd list[] = {
        {.fd = ends[0], .events = POLLIN},
        {.fd = ends[1], .events = POLLOUT},
        {.fd = -1, .events = POLLIN},
        {.fd = 999, .events = POLLIN},
    };
    PROBE_CHECK(&checks, poll(list, 4, 0) == 2);
    PROBE_CHECK(&checks, list[0].revents == 0 && list[1].revents == POLLOUT &&
                             list[2].revents == 0 && list[3].revents == POLLNVAL);
    PROBE_CHECK(&checks, poll(list, 1, 10) == 0);
    pthread_create(&writer, NULL, write_later, (void *)(long)ends[1]);
    PROBE_CHECK(&checks, poll(list, 1, -1) == 1 && list[0].revents == POLLIN);
    pthread_join(writer, NULL);
    close(ends[1]);
    PROBE_CHECK(&checks, poll(list, 1, -1) == 1 && list[0].revents == (POLLIN | POLLHUP));

    fd_set set;
    struct timeval soon = {.tv_usec = 1000};
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    PROBE_CHECK(&checks, select(ends[0] + 1, &set, NULL, NULL, &soon) == 1);
    PROBE_CHECK(&checks, FD_ISSET(ends[0], &set));
    FD_ZERO(&set);
    PROBE_CHECK(&checks, select(0, &set, NULL, NULL, &soon) == 0);
    return probe_done("poll", &checks);
}

static int epoll_probe(void)
{
    struct probe_checks checks = {0};
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = 17}}, got[4];
    int set = epoll_create1(EPOLL_CLOEXEC);
    int ends[2];
    char byte;
    PROBE_CHECK(&checks, set >= 0 && pipe(ends) == 0);
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == -1 && errno == EEXIST);
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_ADD, set, &event) == -1 && errno == EINVAL);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, 0) == 0);

    /* Level: told as long as it holds. */
    (void)!write(ends[1], "ab", 2);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, -1) == 1 && got[0].data.u64 == 17);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, -1) == 1 && got[0].events == EPOLLIN);
    (void)!read(ends[0], &byte, 1);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, 0) == 1);
    (void)!read(ends[0], &byte, 1);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, 5) == 0);

    /* Edge: told once for each arrival. */
    event.events = EPOLLIN | EPOLLET;
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == 0);
    (void)!write(ends[1], "a", 1);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, -1) == 1);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, 5) == 0);
    (void)!write(ends[1], "b", 1);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, -1) == 1);

    /* One shot: told once until it is set again. */
    event.events = EPOLLIN | EPOLLONESHOT;
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == 0);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, -1) == 1);
    (void)!write(ends[1], "c", 1);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, 5) == 0);
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == 0);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, -1) == 1);

    /* Sets in sets, but not in a circle. */
    int outer = epoll_create1(0);
    event = (struct epoll_event){.events = EPOLLIN, .data = {.fd = set}};
    PROBE_CHECK(&checks, epoll_ctl(outer, EPOLL_CTL_ADD, set, &event) == 0);
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_ADD, outer, &event) == -1 && errno == ELOOP);
    event.events = EPOLLIN;
    PROBE_CHECK(&checks, epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == 0);
    PROBE_CHECK(&checks, epoll_wait(outer, got, 4, -1) == 1 && got[0].data.fd == set);

    /* A closed file is gone from the set. */
    PROBE_CHECK(&checks, close(ends[0]) == 0);
    PROBE_CHECK(&checks, epoll_wait(set, got, 4, 5) == 0);
    PROBE_CHECK(&checks, close(set) == 0 && epoll_wait(outer, got, 4, 0) == 0);
    return probe_done("epoll", &checks);
}

static void *wait_in_set(void *argument)
{
    struct epoll_event got;
    return (void *)(long)epoll_wait((int)(long)argument, &got, 1, 2000);
}

static int epoll_threads_probe(void)
{
    struct probe_checks checks = {0};
    int set = epoll_create1(0);
    int counter = eventfd(0, 0);
    struct epoll_event event = {.events = EPOLLIN};
    pthread_t waiters[3];
    long woken = 0;
    epoll_ctl(set, EPOLL_CTL_ADD, counter, &event);
    for (int i = 0; i < 3; i++) {
        pthread_create(&waiters[i], NULL, wait_in_set, (void *)(long)set);
    }
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    eventfd_write(counter, 1);
    for (int i = 0; i < 3; i++) {
        void *value;
        pthread_join(waiters[i], &value);
        woken += (long)value;
    }
    PROBE_CHECK(&checks, woken == 3);
    return probe_done("epoll-threads", &checks);
}

static int eventfd_probe(void)
{
    struct probe_checks checks = {0};
    eventfd_t value = 0;
    int counter = eventfd(3, EFD_NONBLOCK);
    PROBE_CHECK(&checks, eventfd_read(counter, &value) == 0 && value == 3);
    PROBE_CHECK(&checks, eventfd_read(counter, &value) == -1 && errno == EAGAIN);
    PROBE_CHECK(&checks, eventfd_write(counter, 5) == 0 && eventfd_write(counter, 6) == 0);
    PROBE_CHECK(&checks, eventfd_read(counter, &value) == 0 && value == 11);
    PROBE_CHECK(&checks, eventfd_write(counter, UINT64_MAX - 1) == 0);
    PROBE_CHECK(&checks, eventfd_write(counter, 1) == -1 && errno == EAGAIN);
    int semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    PROBE_CHECK(&checks, eventfd_read(semaphore, &value) == 0 && value == 1);
    PROBE_CHECK(&checks, eventfd_read(semaphore, &value) == 0 && value == 1);
    PROBE_CHECK(&checks, eventfd_read(semaphore, &value) == -1 && errno == EAGAIN);
    return probe_done("eventfd", &checks);
}

static int timerfd_probe(void)
{
    struct probe_checks checks = {0};
    uint64_t expirations = 0;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec setting = {.it_value = {.tv_nsec = 10000000},
                                 .it_interval = {.tv_nsec = 10000000}};
    struct itimerspec left;
    PROBE_CHECK(&checks, timer >= 0);
    PROBE_CHECK(&checks, read(timer, &expirations, 8) == -1 && errno == EAGAIN);
    PROBE_CHECK(&checks, timerfd_settime(timer, 0, &setting, NULL) == 0);
    PROBE_CHECK(&checks, timerfd_gettime(timer, &left) == 0 && left.it_value.tv_nsec > 0 &&
                             left.it_value.tv_nsec <= 10000000);
    struct pollfd list = {.fd = timer, .events = POLLIN};
    PROBE_CHECK(&checks, poll(&list, 1, 2000) == 1);
    PROBE_CHECK(&checks, read(timer, &expirations, 8) == 8 && expirations >= 1);
    struct timespec pause = {.tv_nsec = 45000000};
    nanosleep(&pause, NULL);
    PROBE_CHECK(&checks, read(timer, &expirations, 8) == 8 && expirations >= 3);
    setting = (struct itimerspec){0};
    PROBE_CHECK(&checks, timerfd_settime(timer, 0, &setting, NULL) == 0);
    nanosleep(&pause, NULL);
    PROBE_CHECK(&checks, read(timer, &expirations, 8) == -1 && errno == EAGAIN);
    /* Nobody reads it, so it must not keep the processor busy. */
    setting = (struct itimerspec){.it_value = {.tv_nsec = 1}, .it_interval = {.tv_nsec = 1}};
    PROBE_CHECK(&checks, timerfd_settime(timer, 0, &setting, NULL) == 0);
    nanosleep(&pause, NULL);
    PROBE_CHECK(&checks, read(timer, &expirations, 8) == 8 && expirations > 40000000);
    PROBE_CHECK(&checks, close(timer) == 0);
    return probe_done("timerfd", &checks);
}

static const struct {
    const char *name;
    int (*run)(void);
} probes[] = {
    {"pipe", pipe_probe},       {"poll", poll_probe},
    {"epoll", epoll_probe},     {"epoll-threads", epoll_threads_probe},
    {"eventfd", eventfd_probe}, {"timerfd", timerfd_probe},
};

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (count > 1 && strcmp(arguments[1], probes[i].name) == 0) {
            return probes[i].run();
        }
    }
    return probe_text("events", "a known check", count > 1 ? arguments[1] : "");
}
