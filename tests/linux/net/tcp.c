/* TCP over 127.0.0.1: connecting, data, half close, reset, refusal. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fact.h"

#define ACCEPT 43
#define ACCEPT4 288

static struct sockaddr_in server;
static char bytes[1 << 20];

static int listener(void)
{
    socklen_t size = sizeof server;
    server = (struct sockaddr_in){.sin_family = AF_INET};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FACT(bind(file, (struct sockaddr *)&server, size));
    FACT(listen(file, 8));
    FACT(getsockname(file, (struct sockaddr *)&server, &size));
    printf("%d %s %d\n", (int)size, inet_ntoa(server.sin_addr), server.sin_port != 0);
    return file;
}

static int ready(int file, int timeout)
{
    struct pollfd entry = {.fd = file, .events = POLLIN | POLLOUT | POLLRDHUP};
    return poll(&entry, 1, timeout) == 1 ? entry.revents : 0;
}

static int error_of(int file)
{
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(file, SOL_SOCKET, SO_ERROR, &value, &size);
    return value;
}

static void *echo(void *argument)
{
    int file = *(int *)argument;
    static char data[10000];
    ssize_t length;
    while ((length = read(file, data, sizeof data)) > 0) {
        for (ssize_t done = 0; done < length;) {
            done += write(file, data + done, (size_t)(length - done));
        }
    }
    shutdown(file, SHUT_WR);
    return NULL;
}

/* Both ends of a connection. */
static int connect_pair(int at, int *accepted)
{
    int file = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(file, (struct sockaddr *)&server, sizeof server) != 0) {
        abort();
    }
    *accepted = (int)raw(ACCEPT, at, 0, 0, 0, 0);
    return file;
}

static void *send_all(void *argument)
{
    return (void *)write(*(int *)argument, bytes, sizeof bytes);
}

static void data(int at)
{
    int accepted;
    int file = connect_pair(at, &accepted);
    pthread_t echoing;
    pthread_t sending;
    void *sent;
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    FACT(getpeername(file, (struct sockaddr *)&name, &size));
    printf("peer is the server: %d\n", name.sin_port == server.sin_port);
    FACT(getpeername(accepted, (struct sockaddr *)&name, &size));
    pthread_create(&echoing, NULL, echo, &accepted);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 31 >> 3);
    }
    char *back = malloc(sizeof bytes);
    pthread_create(&sending, NULL, send_all, &file);
    FACT(recv(file, back, sizeof bytes, MSG_WAITALL));
    pthread_join(sending, &sent);
    printf("sent %ld, same: %d\n", (long)sent, memcmp(back, bytes, sizeof bytes) == 0);
    FACT(shutdown(file, SHUT_WR));
    FACT(recv(file, back, 1, 0));
    pthread_join(echoing, NULL);
    FACT(send(file, "z", 1, MSG_NOSIGNAL));
    FACT(connect(file, (struct sockaddr *)&server, sizeof server));
    free(back);
    close(file);
    close(accepted);
}

static void states(int at)
{
    int accepted;
    int file = connect_pair(at, &accepted);
    FACT(ready(file, 0));
    FACT(recv(file, bytes, 10, MSG_DONTWAIT));
    FACT(send(accepted, "0123456789", 10, 0));
    FACT(ready(file, 1000));
    FACT(recv(file, bytes, 4, MSG_PEEK));
    FACT(recv(file, bytes, 4, 0));
    FACT(recv(file, bytes, 100, 0));
    close(accepted);
    usleep(20000);
    FACT(ready(file, 0));
    FACT(read(file, bytes, 10));
    FACT(shutdown(file, SHUT_WR));
    usleep(20000);
    FACT(ready(file, 0));
    close(file);
    file = connect_pair(at, &accepted);
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(accepted);
    usleep(20000);
    FACT(ready(file, 0));
    FACT(read(file, bytes, 10));
    FACT(read(file, bytes, 10));
    FACT(send(file, "z", 1, MSG_NOSIGNAL));
    close(file);
}

static void refusals(int at)
{
    struct sockaddr_in nobody = server;
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    nobody.sin_port = 0;
    bind(taken, (struct sockaddr *)&nobody, sizeof nobody);
    socklen_t size = sizeof nobody;
    getsockname(taken, (struct sockaddr *)&nobody, &size);
    int file = socket(AF_INET, SOCK_STREAM, 0);
    FACT(connect(file, (struct sockaddr *)&nobody, sizeof nobody));
    close(file);
    file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FACT(connect(file, (struct sockaddr *)&server, sizeof server));
    FACT(ready(file, 1000));
    FACT(error_of(file));
    FACT(connect(file, (struct sockaddr *)&server, sizeof server));
    close(accept(at, NULL, NULL));
    close(file);
    file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FACT(connect(file, (struct sockaddr *)&nobody, sizeof nobody));
    printf("told: %d\n", (ready(file, 1000) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
    printf("%s\n", strerror(error_of(file)));
    close(file);
    file = socket(AF_INET, SOCK_STREAM, 0);
    FACT(bind(file, (struct sockaddr *)&server, sizeof server));
    FACT(read(file, bytes, 1));
    FACT(ready(file, 0));
    FACT(accept(file, NULL, NULL));
    FACT(shutdown(file, SHUT_WR));
    FACT(raw(ACCEPT4, at, 0, 0, 5, 0));
    FACT(accept(1, NULL, NULL));
    FACT(fcntl(at, F_SETFL, O_NONBLOCK));
    FACT(accept(at, NULL, NULL));
    close(file);
    close(taken);
}

int main(void)
{
    int at = listener();
    data(at);
    states(at);
    refusals(at);
    return 0;
}
