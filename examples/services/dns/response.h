/*
 * Writes a response: records into a bounded buffer, names compressed (RFC 1035 §4.1.4).
 *
 * A record set goes in whole or not at all. Compression remembers where names of the tree were
 * written, by number; when the small table is full, later names are written in full.
 */
#ifndef DNS_RESPONSE_H
#define DNS_RESPONSE_H

#include "query.h"
#include "zone.h"

enum response_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTION_COUNT };

enum {
    RESPONSE_PLACES = 48,     /* names remembered for compression */
    RESPONSE_FOLLOW_UPS = 32, /* names whose addresses are wanted in the additional section */
};

struct response {
    const struct zone_database *zones;
    uint8_t *octets;
    size_t length;
    size_t limit;
    uint16_t flags;
    uint16_t counts[SECTION_COUNT];
    unsigned place_count;
    unsigned follow_up_count;
    uint16_t place_offsets[RESPONSE_PLACES];
    uint32_t place_names[RESPONSE_PLACES];
    uint32_t follow_ups[RESPONSE_FOLLOW_UPS];
};

/* Starts behind header and question, which already stand in `octets`; `limit` is at least their
 * size. */
void response_start(struct response *response, const struct zone_database *zones, uint8_t *octets,
                    size_t length, size_t limit);

/* Remembers that `name` stands at `offset`. */
void response_remember(struct response *response, uint32_t name, size_t offset);

/* Appends a record set. `owner_offset` is where its owner stands already, or 0 when `owner` is to
 * be written. Records with names of servers note these as follow-ups. False, and nothing written,
 * when it does not fit. */
bool response_put_rrset(struct response *response, enum response_section section,
                        const struct zone_rrset *rrset, uint32_t owner, size_t owner_offset,
                        uint32_t ttl);

/* Appends one record with data as it goes over the wire, its owner standing at `owner_offset`. */
bool response_put_record(struct response *response, enum response_section section, uint16_t type,
                         uint32_t ttl, const uint8_t *data, uint16_t data_length,
                         size_t owner_offset);

/* Where `name` was written, or 0. */
size_t response_find(const struct response *response, uint32_t name);

#endif
