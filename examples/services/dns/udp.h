/*
 * The UDP side: takes what has arrived and answers it, many datagrams with one system call.
 */
#ifndef DNS_UDP_H
#define DNS_UDP_H

#include "zone.h"

#include <netinet/in.h>

/* Opens the socket, non-blocking. Negative with errno set when that fails. */
int udp_open(const struct sockaddr_in *address);

/* Answers the datagrams that wait, at most a bounded number of them. */
void udp_serve(const struct zone_database *zones, int socket);

#endif
