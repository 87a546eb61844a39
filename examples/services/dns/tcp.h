/*
 * The TCP side (RFC 7766): many connections, pipelined queries, answers in the order asked.
 *
 * A connection holds one buffer with the queries that came and no answer: answers are a function
 * of query and zones, so one that could not be sent whole is made again when there is room, and
 * goes on where it stopped. Time runs from the last query answered in whole, so a peer that sends
 * or takes an octet now and then gains nothing by it. When all places are taken, the connection
 * idle for longest makes room.
 */
#ifndef DNS_TCP_H
#define DNS_TCP_H

#include "wire.h"
#include "zone.h"

#include <netinet/in.h>
#include <poll.h>

enum {
    TCP_CONNECTIONS = 32,
    TCP_IDLE_MILLISECONDS = 10000,
    TCP_QUERY_LIMIT = 1232, /* a longer query ends its connection */
    TCP_LENGTH_SIZE = 2,
};

struct tcp_connection {
    int socket;      /* -1: a free place */
    uint64_t active; /* milliseconds, when the last query was answered, or the start */
    size_t received; /* octets in `input` */
    size_t sent;     /* octets already sent of the answer to the query at the front */
    bool stalled;    /* that answer waits for the peer to take more; nothing is read meanwhile */
    uint8_t input[TCP_LENGTH_SIZE + TCP_QUERY_LIMIT];
};

struct tcp_server {
    const struct zone_database *zones;
    int listener;
    struct tcp_connection connections[TCP_CONNECTIONS];
};

/* Opens the listening socket. False with errno set when that fails. */
bool tcp_open(struct tcp_server *server, const struct zone_database *zones,
              const struct sockaddr_in *address);

/* Fills `polls`, which has TCP_CONNECTIONS + 1 places: the listener first. */
void tcp_prepare(const struct tcp_server *server, struct pollfd *polls);

/* Milliseconds until the next connection has been idle too long; -1 without connections. Closes
 * those that have been. */
int tcp_expire(struct tcp_server *server);

/* Serves what poll() found in the array of tcp_prepare(). */
void tcp_serve(struct tcp_server *server, const struct pollfd *polls);

#endif
