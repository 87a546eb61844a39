/*
 * Sockets with threads and with epoll: an echo server for echo_probe.py on TCP port 7000. The first
 * argument says how it serves: "threads" (one a connection, blocking calls) or "epoll" (one thread,
 * edge-triggered). The connection that sends "end" first ends the image.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

#define MAXIMUM 64

static int listener(int flags)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7000)};
    int file = socket(AF_INET, SOCK_STREAM | flags, 0);
    if (file < 0 || bind(file, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(file, MAXIMUM) != 0) {
        exit(probe_text("echo", "listening", "an error"));
    }
    (void)probe_text("echo", "ready", "ready");
    return file;
}

static void end_if_asked(const char *text, ssize_t length)
{
    if (length == 3 && memcmp(text, "end", 3) == 0) {
        exit(0);
    }
}

static void *serve(void *argument)
{
    int connection = (int)(long)argument;
    char buffer[3000];
    ssize_t length;
    while ((length = read(connection, buffer, sizeof buffer)) > 0) {
        end_if_asked(buffer, length);
        for (ssize_t done = 0; done < length;) {
            ssize_t written = write(connection, buffer + done, (size_t)(length - done));
            if (written <= 0) {
                close(connection);
                return NULL;
            }
            done += written;
        }
    }
    close(connection);
    return NULL;
}

static void with_threads(void)
{
    int file = listener(0);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 32768);
    for (;;) {
        pthread_t thread;
        int connection = accept(file, NULL, NULL);
        if (connection < 0 ||
            pthread_create(&thread, &detached, serve, (void *)(long)connection) != 0) {
            exit(probe_text("echo", "a thread", "an error"));
        }
    }
}

struct connection {
    int file;
    size_t start, end; /* of what is still to be written */
    char buffer[3000];
};

/* Reads and writes until either would block. False when the connection is over. */
static int advance(struct connection *one)
{
    for (;;) {
        if (one->start == one->end) {
            ssize_t length = read(one->file, one->buffer, sizeof one->buffer);
            if (length <= 0) {
                return length < 0 && errno == EAGAIN;
            }
            end_if_asked(one->buffer, length);
            one->start = 0;
            one->end = (size_t)length;
        }
        ssize_t written = write(one->file, one->buffer + one->start, one->end - one->start);
        if (written < 0) {
            return errno == EAGAIN;
        }
        one->start += (size_t)written;
    }
}

static void accept_all(int set, int file)
{
    int accepted;
    while ((accepted = accept4(file, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *one = calloc(1, sizeof *one);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = one}};
        if (one == NULL || epoll_ctl(set, EPOLL_CTL_ADD, accepted, &event) != 0) {
            exit(probe_text("echo", "an item", "an error"));
        }
        one->file = accepted;
    }
}

static void with_epoll(void)
{
    int file = listener(SOCK_NONBLOCK);
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET}, events[16];
    epoll_ctl(set, EPOLL_CTL_ADD, file, &event);
    for (;;) {
        int count = epoll_wait(set, events, 16, -1);
        for (int i = 0; i < count; i++) {
            struct connection *one = events[i].data.ptr;
            if (one == NULL) {
                accept_all(set, file);
            } else if (!advance(one)) {
                close(one->file);
                free(one);
            }
        }
    }
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "epoll") == 0) {
        with_epoll();
    }
    with_threads();
    return 1;
}
