/*
 * One thread, one loop: waits for both transports, serves what came, closes what idles.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include "zone.h"

#include <netinet/in.h>

/* Opens the sockets and serves for good. Returns only when that fails, with errno set and what
 * failed in words. */
const char *server_run(const struct zone_database *zones, const struct sockaddr_in *address,
                       void (*ready)(const struct sockaddr_in *address));

#endif
