/*
 * The socket calls, checked against what Linux does: the same program runs on Linux (argument
 * "self": it is its own peer) and as an image, whose peer is sockets_probe.py on the host.
 *
 * The image answers on UDP 7000: a datagram "TCP_PORT UDP_PORT" names the peer's echo servers, the
 * answer is the number of differences.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define COMMAND_PORT 7000

int failures;
struct sockaddr_in tcp_peer;
struct sockaddr_in udp_peer;

double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int get_option(int file, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(file, level, name, &value, &size) == 0 ? value : -1;
}

int set_option(int file, int level, int name, int value)
{
    return setsockopt(file, level, name, &value, sizeof value);
}

int poll_one(int file, int events, int milliseconds)
{
    struct pollfd entry = {.fd = file, .events = (short)events};
    return poll(&entry, 1, milliseconds) == 1 ? entry.revents : 0;
}

static void *echo_datagrams(void *argument)
{
    static char data[65536];
    int file = *(int *)argument;
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t length = recvfrom(file, data, sizeof data, 0, generic(&from), &size);
        if (length >= 0) {
            sendto(file, data, (size_t)length, 0, generic(&from), size);
        }
    }
    return NULL;
}

static void *echo_stream(void *argument)
{
    int file = *(int *)argument;
    free(argument);
    char data[16384];
    ssize_t length;
    while ((length = read(file, data, sizeof data)) > 0) {
        if (write(file, data, (size_t)length) != length) {
            break;
        }
    }
    close(file);
    return NULL;
}

static void start(void *(*body)(void *), int file)
{
    pthread_t thread;
    int *argument = malloc(sizeof *argument);
    if (argument == NULL ||
        (*argument = file, pthread_create(&thread, NULL, body, argument)) != 0) {
        abort();
    }
    pthread_detach(thread);
}

static void *accept_streams(void *argument)
{
    int listener = *(int *)argument;
    for (;;) {
        int file = accept(listener, NULL, NULL);
        if (file >= 0) {
            start(echo_stream, file);
        }
    }
    return NULL;
}

/* The peer on this host; its ports are the system's choice. */
static struct sockaddr_in start_peer(int type, void *(*body)(void *))
{
    struct sockaddr_in address = ipv4(INADDR_LOOPBACK, 0);
    socklen_t size = sizeof address;
    int file = socket(AF_INET, type, 0);
    if (bind(file, generic(&address), size) != 0 ||
        (type == SOCK_STREAM && listen(file, 16) != 0) ||
        getsockname(file, generic(&address), &size) != 0) {
        abort();
    }
    start(body, file);
    return address;
}

static void check_all(void)
{
    check_datagrams();
    check_messages();
    check_streams();
    check_connecting();
    check_listening();
    check_events();
    printf("sockets: %d differences\n", failures);
}

static int serve(void)
{
    struct sockaddr_in any = ipv4(INADDR_ANY, COMMAND_PORT);
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(file, generic(&any), sizeof any) != 0) {
        perror("bind");
        return 1;
    }
    puts("sockets: ready");
    fflush(stdout);
    for (;;) {
        char text[64] = "";
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        recvfrom(file, text, sizeof text - 1, 0, generic(&from), &size);
        char *rest;
        tcp_peer = ipv4(ntohl(from.sin_addr.s_addr), (int)strtol(text, &rest, 10));
        udp_peer = ipv4(ntohl(from.sin_addr.s_addr), (int)strtol(rest, NULL, 10));
        failures = 0;
        check_all();
        fflush(stdout);
        int length = snprintf(text, sizeof text, "%d", failures);
        sendto(file, text, (size_t)length, 0, generic(&from), size);
    }
}

int main(int count, char **arguments)
{
    if (count < 2 || strcmp(arguments[1], "self") != 0) {
        return serve();
    }
    tcp_peer = start_peer(SOCK_STREAM, accept_streams);
    udp_peer = start_peer(SOCK_DGRAM, echo_datagrams);
    check_all();
    return failures != 0;
}
