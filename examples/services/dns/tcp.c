#include "tcp.h"

#include "answer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 32, ACCEPT_LIMIT = 16, READ_LIMIT = 8 };

static uint64_t now_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool tcp_open(struct tcp_server *server, const struct zone_database *zones,
              const struct sockaddr_in *address)
{
    int on = 1;
    server->zones = zones;
    for (unsigned i = 0; i < TCP_CONNECTIONS; i++) {
        server->connections[i].socket = -1;
    }
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listener < 0) {
        return false;
    }
    /* A restart must not wait for connections of the last run. */
    (void)setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(server->listener, (const struct sockaddr *)address, sizeof *address) == 0 &&
           listen(server->listener, BACKLOG) == 0;
}

void tcp_prepare(const struct tcp_server *server, struct pollfd *polls)
{
    polls[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    for (unsigned i = 0; i < TCP_CONNECTIONS; i++) {
        const struct tcp_connection *connection = &server->connections[i];
        polls[i + 1] = (struct pollfd){
            .fd = connection->socket,
            .events = connection->stalled ? POLLOUT : POLLIN,
        };
    }
}

static void drop(struct tcp_connection *connection)
{
    close(connection->socket);
    connection->socket = -1;
}

int tcp_expire(struct tcp_server *server)
{
    uint64_t now = 0;
    int64_t soonest = -1;
    for (unsigned i = 0; i < TCP_CONNECTIONS; i++) {
        struct tcp_connection *connection = &server->connections[i];
        if (connection->socket < 0) {
            continue;
        }
        now = now == 0 ? now_milliseconds() : now;
        int64_t left = (int64_t)(connection->active + TCP_IDLE_MILLISECONDS - now);
        if (left <= 0) {
            drop(connection);
        } else if (soonest < 0 || left < soonest) {
            soonest = left;
        }
    }
    return (int)soonest;
}

/* A free place, made by closing the connection idle for longest if need be. */
static struct tcp_connection *place_for_new(struct tcp_server *server)
{
    struct tcp_connection *oldest = &server->connections[0];
    for (unsigned i = 0; i < TCP_CONNECTIONS; i++) {
        struct tcp_connection *connection = &server->connections[i];
        if (connection->socket < 0) {
            return connection;
        }
        if (connection->active < oldest->active) {
            oldest = connection;
        }
    }
    drop(oldest);
    return oldest;
}

static void accept_waiting(struct tcp_server *server)
{
    int on = 1;
    for (unsigned i = 0; i < ACCEPT_LIMIT; i++) {
        int descriptor = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            return;
        }
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct tcp_connection *connection = place_for_new(server);
        connection->socket = descriptor;
        connection->active = now_milliseconds();
        connection->received = 0;
        connection->sent = 0;
        connection->stalled = false;
    }
}

/* Octets of the query at the front with its length, or 0 while it has not come in whole. */
static size_t front_query(const struct tcp_connection *connection)
{
    if (connection->received < TCP_LENGTH_SIZE) {
        return 0;
    }
    size_t size = TCP_LENGTH_SIZE + (size_t)wire_load16(connection->input);
    return size <= connection->received ? size : 0;
}

/* After a call that moved nothing: whether to try again later. Otherwise the connection is over. */
static bool must_wait(struct tcp_connection *connection)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return true;
    }
    drop(connection);
    return false;
}

/* Sends the answer to the query at the front from where it stopped. True when all of it is sent;
 * false when the rest has to wait, or the connection is gone. */
static bool answer_front(const struct tcp_server *server, struct tcp_connection *connection,
                         size_t query_size)
{
    static uint8_t answer[TCP_LENGTH_SIZE + ANSWER_TCP_CAPACITY];
    size_t size = answer_query(server->zones, ANSWER_TCP, connection->input + TCP_LENGTH_SIZE,
                               query_size - TCP_LENGTH_SIZE, answer + TCP_LENGTH_SIZE);
    if (size == 0) {
        return true;
    }
    wire_store16(answer, (uint16_t)size);
    size += TCP_LENGTH_SIZE;
    while (connection->sent < size) {
        ssize_t sent = send(connection->socket, answer + connection->sent, size - connection->sent,
                            MSG_NOSIGNAL);
        if (sent < 0) {
            connection->stalled = must_wait(connection);
            return false;
        }
        connection->sent += (size_t)sent;
    }
    connection->sent = 0;
    connection->active = now_milliseconds();
    return true;
}

/* Answers every whole query in the buffer. False when the connection can take no more for now. */
static bool answer_received(const struct tcp_server *server, struct tcp_connection *connection)
{
    for (;;) {
        size_t size = front_query(connection);
        if (size == 0) {
            break;
        }
        if (!answer_front(server, connection, size)) {
            return false;
        }
        connection->received -= size;
        memmove(connection->input, connection->input + size, connection->received);
    }
    if (connection->received == sizeof connection->input) {
        drop(connection); /* longer than TCP_QUERY_LIMIT */
        return false;
    }
    return true;
}

static void serve_connection(const struct tcp_server *server, struct tcp_connection *connection)
{
    connection->stalled = false;
    for (unsigned turn = 0; turn < READ_LIMIT; turn++) {
        if (!answer_received(server, connection)) {
            return;
        }
        ssize_t got = recv(connection->socket, connection->input + connection->received,
                           sizeof connection->input - connection->received, 0);
        if (got < 0) {
            (void)must_wait(connection);
            return;
        }
        if (got == 0) {
            drop(connection);
            return;
        }
        connection->received += (size_t)got;
    }
    /* What the last turn brought may be all that ever comes: nothing would wake us for it again. */
    (void)answer_received(server, connection);
}

void tcp_serve(struct tcp_server *server, const struct pollfd *polls)
{
    for (unsigned i = 0; i < TCP_CONNECTIONS; i++) {
        if (polls[i + 1].revents != 0 && server->connections[i].socket >= 0) {
            serve_connection(server, &server->connections[i]);
        }
    }
    if (polls[0].revents != 0) {
        accept_waiting(server);
    }
}
