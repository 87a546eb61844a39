/*
 * From a packet with a query to the packet that answers it.
 *
 * What is answered, where the protocol leaves a choice:
 * - A positive answer carries the records, and addresses of servers named in them; no authority.
 * - ANY gets one synthesised HINFO record (RFC 8482 §4.2), or the CNAME where there is one.
 * - CNAME targets are followed through every zone held here, at most 16 of them.
 * - A record set that does not fit sets TC. Addresses that only help are left out instead, except
 *   glue inside the delegated zone, which a referral needs (RFC 9471).
 * - REFUSED: names outside the zones, classes other than IN, zone transfers.
 * - EDNS: at most 1,232 octets over UDP; version 0; no option is ever sent.
 * - AD is never set; RD and CD come back as sent; RA is never set.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include "zone.h"

#include <stddef.h>

enum answer_transport { ANSWER_UDP, ANSWER_TCP };

/* Octets that `response` must offer. */
enum { ANSWER_UDP_CAPACITY = WIRE_UDP_LIMIT, ANSWER_TCP_CAPACITY = WIRE_MESSAGE_LIMIT };

/* Answers the packet. Returns the octets written, or 0 where silence is right. `response` may be
 * the same buffer as `query`, or apart from it. Depends on nothing but its arguments. */
size_t answer_query(const struct zone_database *zones, enum answer_transport transport,
                    const uint8_t *query, size_t length, uint8_t *response);

#endif
