/* What a handler does to the call that it interrupts: begun again, or EINTR. After signal(7). */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fact.h"

static pthread_t main_thread;
static volatile sig_atomic_t handled;
static int pipes[2];
static int listener;
static sem_t semaphore;

static void note(int signal)
{
    (void)signal;
    handled++;
}

/* Sends a signal after a while, and then does what lets a call end that has begun again. */
static void *interrupt(void *release)
{
    sleep_milliseconds(25);
    pthread_kill(main_thread, SIGUSR1);
    sleep_milliseconds(25);
    ((void (*)(void))release)();
    return NULL;
}

static void nothing(void)
{
}

static void feed_pipe(void)
{
    (void)!write(pipes[1], "x", 1);
}

static void drain_pipe(void)
{
    static char room[65536];
    (void)!read(pipes[0], room, sizeof room);
}

static void connect_once(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    connect(client, (struct sockaddr *)&address, size);
    close(client);
}

static void post(void)
{
    sem_post(&semaphore);
}

static long read_pipe(void)
{
    char byte;
    return read(pipes[0], &byte, 1);
}

static long write_full_pipe(void)
{
    static char room[65536];
    long first = write(pipes[1], room, sizeof room); /* fills it */
    return first == sizeof room ? write(pipes[1], room, 4096) : -2;
}

static long accept_one(void)
{
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) {
        return -1;
    }
    close(connection);
    return 1;
}

static long accept_with_time(void)
{
    struct timeval time = {0, 500000};
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    long result = accept_one();
    int error = errno;
    time.tv_usec = 0;
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    errno = error;
    return result;
}

static long sleep_some(void)
{
    struct timespec time = {0, 100000000}, left = {0, 0};
    long result = nanosleep(&time, &left);
    int error = errno;
    if (result < 0 && (left.tv_nsec < 20000000 || left.tv_nsec > 90000000)) {
        FACT("strange rest: %ld", left.tv_nsec);
    }
    errno = error;
    return result;
}

static long poll_none(void)
{
    return poll(NULL, 0, 100);
}

static long select_none(void)
{
    struct timeval time = {0, 100000};
    return select(0, NULL, NULL, NULL, &time);
}

static long epoll_none(void)
{
    struct epoll_event event;
    int epoll = epoll_create1(0);
    long result = epoll_wait(epoll, &event, 1, 100);
    int error = errno;
    close(epoll);
    errno = error;
    return result;
}

static long wait_semaphore(void)
{
    return sem_wait(&semaphore);
}

static void try(const char *name, long (*call)(void), void (*release)(void), int flags)
{
    pthread_t thread;
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    handled = 0;
    pthread_create(&thread, NULL, interrupt, (void *)release);
    errno = 0;
    const char *got = answer(call());
    FACT("%s%s: %s, handled %d", name, flags ? ", SA_RESTART" : "", got, handled);
    pthread_join(thread, NULL);
}

static void with_mask(void)
{
    sigset_t blocked, none;
    struct sigaction action = {.sa_handler = note};
    struct timespec time = {0, 100000000};
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    handled = 0;
    pthread_kill(pthread_self(), SIGUSR1);
    FACT("blocked: %d", handled);
    FACT("ppoll with a mask: %s", answer(ppoll(NULL, 0, &time, &none)));
    FACT("handled: %d", handled);
    pthread_kill(pthread_self(), SIGUSR1);
    FACT("pselect with a mask: %s", answer(pselect(0, NULL, NULL, NULL, &time, &none)));
    FACT("handled: %d", handled);
    pthread_kill(pthread_self(), SIGUSR1);
    int epoll = epoll_create1(0);
    struct epoll_event event;
    FACT("epoll_pwait with a mask: %s", answer(epoll_pwait(epoll, &event, 1, 100, &none)));
    FACT("handled: %d", handled);
    pthread_kill(pthread_self(), SIGUSR1);
    FACT("blocked again: %d", handled);
    pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
    FACT("unblocked: %d", handled);
}

static void broken_pipe(void)
{
    int ends[2];
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGPIPE, &action, NULL);
    handled = 0;
    (void)!pipe(ends);
    close(ends[0]);
    FACT("write to nobody: %s", answer(write(ends[1], "x", 1)));
    FACT("SIGPIPE: %d", handled);
    signal(SIGPIPE, SIG_IGN);
    FACT("ignored: %s", answer(write(ends[1], "x", 1)));
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    main_thread = pthread_self();
    (void)!pipe(pipes);
    sem_init(&semaphore, 0, 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&address, sizeof address);
    listen(listener, 4);
    try("read", read_pipe, nothing, 0);
    try("read", read_pipe, feed_pipe, SA_RESTART);
    try("write", write_full_pipe, nothing, 0);
    drain_pipe();
    try("write", write_full_pipe, drain_pipe, SA_RESTART);
    try("accept", accept_one, nothing, 0);
    try("accept", accept_one, connect_once, SA_RESTART);
    try("accept with a time", accept_with_time, nothing, SA_RESTART);
    try("semaphore", wait_semaphore, nothing, 0);
    try("semaphore", wait_semaphore, post, SA_RESTART);
    try("nanosleep", sleep_some, nothing, SA_RESTART);
    try("poll", poll_none, nothing, SA_RESTART);
    try("select", select_none, nothing, SA_RESTART);
    try("epoll_wait", epoll_none, nothing, SA_RESTART);
    with_mask();
    broken_pipe();
    return 0;
}
