/* poll, select and their variants: readiness, limits, errors, times, signal masks. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "fact.h"

#define POLL 7
#define SELECT 23

static int ends[2];
static volatile sig_atomic_t signals;

static void count(int signal)
{
    (void)signal;
    signals++;
}

static void polls(void)
{
    struct pollfd list[4] = {
        {.fd = ends[0], .events = POLLIN},
        {.fd = ends[1], .events = POLLOUT | POLLIN},
        {.fd = -5, .events = POLLIN, .revents = 9},
        {.fd = 99, .events = POLLIN},
    };
    FACT(poll(list, 3, 0));
    printf("%x %x %x\n", list[0].revents, list[1].revents, list[2].revents);
    FACT(poll(list, 4, 1000));
    printf("%x %x %x %x\n", list[0].revents, list[1].revents, list[2].revents, list[3].revents);
    FACT(poll(list, 1, 10));
    FACT(write(ends[1], "x", 1));
    FACT(poll(list, 1, -1));
    printf("%x\n", list[0].revents);
    FACT(poll(NULL, 0, 5));
    FACT(raw(POLL, (long)list, 4, 0, 0, 0));
    FACT(raw(POLL, (long)NOWHERE, 1, 0, 0, 0));
    FACT(poll(NOWHERE, 1, 0));
    FACT(poll(list, 1u << 30, 0));
    struct timespec time = {0, 1000000000};
    FACT(ppoll(list, 1, &time, NULL));
    FACT(syscall(SYS_ppoll, list, 1, NOWHERE, NULL, 8));
    time = (struct timespec){3, 0};
    FACT(syscall(SYS_ppoll, list, 1, &time, NULL, 8));
    printf("time left: %d\n", time.tv_sec == 2 && time.tv_nsec > 500000000);
    sigset_t none;
    sigemptyset(&none);
    FACT(syscall(SYS_ppoll, list, 1, &time, &none, 4));
    FACT(syscall(SYS_ppoll, list, 1, &time, NOWHERE, 8));
    char byte;
    FACT(read(ends[0], &byte, 1));
}

static void selects(void)
{
    fd_set reading;
    fd_set writing;
    struct timeval time = {0, 20000};
    FD_ZERO(&reading);
    FD_ZERO(&writing);
    FD_SET(ends[0], &reading);
    FACT(select(ends[1] + 1, &reading, NULL, NULL, &time));
    printf("%d, time left: %ld\n", FD_ISSET(ends[0], &reading) != 0,
           (long)(time.tv_sec + time.tv_usec));
    FD_SET(ends[0], &reading);
    FD_SET(ends[1], &writing);
    FACT(select(ends[1] + 1, &reading, &writing, NULL, NULL));
    printf("%d %d\n", FD_ISSET(ends[0], &reading) != 0, FD_ISSET(ends[1], &writing) != 0);
    FACT(write(ends[1], "y", 1));
    FD_SET(ends[0], &reading);
    FACT(select(ends[1] + 1, &reading, &writing, NULL, NULL));
    printf("%d %d\n", FD_ISSET(ends[0], &reading) != 0, FD_ISSET(ends[1], &writing) != 0);
    FD_SET(40, &reading);
    FACT(select(41, &reading, NULL, NULL, &time));
    FACT(raw(SELECT, -1, 0, 0, 0, (long)&time));
    FACT(raw(SELECT, 5, (long)NOWHERE, 0, 0, (long)&time));
    FACT(raw(SELECT, 5, 0, 0, 0, (long)NOWHERE));
    time = (struct timeval){0, 30000};
    FACT(raw(SELECT, 5, 0, 0, 0, (long)&time));
    printf("time left: %ld\n", (long)(time.tv_sec + time.tv_usec));
    time = (struct timeval){-1, 0};
    FACT(raw(SELECT, 5, 0, 0, 0, (long)&time));
    char byte;
    FACT(read(ends[0], &byte, 1));
}

/* A blocked signal waits; only the mask of the wait lets it through. */
static void masks(void)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    sigset_t blocked;
    sigset_t none;
    sigset_t now;
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    struct epoll_event event;
    int set = epoll_create1(0);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    FACT(ppoll(&entry, 1, &(struct timespec){0, 1000000}, NULL));
    printf("signals: %d\n", (int)signals);
    FACT(ppoll(&entry, 1, NULL, &none));
    printf("signals: %d\n", (int)signals);
    raise(SIGUSR1);
    FACT(pselect(0, NULL, NULL, NULL, NULL, &none));
    printf("signals: %d\n", (int)signals);
    raise(SIGUSR1);
    FACT(epoll_pwait(set, &event, 1, -1, &none));
    printf("signals: %d\n", (int)signals);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    printf("blocked again: %d\n", sigismember(&now, SIGUSR1));
    close(set);
}

static void *interrupt(void *thread)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* These waits are not begun again after a handler, whatever SA_RESTART says. */
static void interrupted(void)
{
    pthread_t self = pthread_self();
    pthread_t other;
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
    pthread_create(&other, NULL, interrupt, &self);
    FACT(poll(NULL, 0, 5000));
    pthread_join(other, NULL);
    pthread_create(&other, NULL, interrupt, &self);
    FACT(select(0, NULL, NULL, NULL, &(struct timeval){5, 0}));
    pthread_join(other, NULL);
    int set = epoll_create1(0);
    struct epoll_event event;
    pthread_create(&other, NULL, interrupt, &self);
    FACT(epoll_wait(set, &event, 1, 5000));
    pthread_join(other, NULL);
    printf("signals: %d\n", (int)signals);
    close(set);
}

/* Both ends of a pipe as they close. */
static void ended(void)
{
    int pair[2];
    FACT(pipe(pair));
    struct pollfd list[2] = {{.fd = pair[0], .events = POLLIN}, {.fd = pair[1], .events = POLLOUT}};
    close(pair[1]);
    FACT(poll(list, 1, -1));
    printf("%x\n", list[0].revents);
    close(pair[0]);
    FACT(pipe(pair));
    list[1].fd = pair[1];
    close(pair[0]);
    FACT(poll(list + 1, 1, -1));
    printf("%x\n", list[1].revents);
    close(pair[1]);
}

int main(void)
{
    FACT(pipe(ends));
    polls();
    selects();
    masks();
    interrupted();
    ended();
    return 0;
}
