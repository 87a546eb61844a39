/*
 * From records as they were read to the database that answers.
 *
 * zone_parser.c adds records one by one; zone_builder_finish() groups them, checks what only a
 * whole zone shows (CNAME beside other data, a missing NS) and lays the data out for answering.
 */
#ifndef DNS_ZONE_BUILDER_H
#define DNS_ZONE_BUILDER_H

#include "zone.h"

/* Where something stands in the zone files; `file` counts them from 0. */
struct zone_place {
    uint32_t line;
    uint16_t column;
    uint16_t file;
};

/* What is wrong with a zone. `detail` quotes the text that is wrong, or is empty. */
struct zone_error {
    struct zone_place place;
    const char *message;
    char detail[64];
};

struct zone_record {
    uint32_t owner;
    uint32_t apex;
    uint32_t ttl;
    uint32_t data; /* where its data starts in zone_builder.data, names as numbers */
    uint16_t length;
    uint16_t type;
    struct zone_place place;
};

struct zone_builder {
    struct zone_database *zones;
    struct memory_array records; /* struct zone_record */
    struct memory_array data;
};

/* Starts with no zones. False when no memory is left. */
bool zone_builder_create(struct zone_builder *builder, struct zone_database *zones);

/* Completes the database. False when the zones contradict themselves; *error says where. */
bool zone_builder_finish(struct zone_builder *builder, struct zone_error *error);

/* Gives back what only building needed; the database stays. */
void zone_builder_release(struct zone_builder *builder);

void zone_database_release(struct zone_database *zones);

#endif
