/*
 * Reads one zone in RFC 1035 master form into a zone builder.
 *
 * Understood: $ORIGIN, $TTL, @, relative and absolute names, omitted owner, TTL and class, TTL
 * units (1h30m), parentheses, comments, quoted strings, the escapes \X and \DDD, the types of
 * record_type.h in their own form and any other as TYPEn \# LENGTH HEX (RFC 3597 §5).
 * Refused, with a message: $INCLUDE, classes other than IN, meta types, DNAME.
 *
 * The first record of a file is the zone's SOA; its owner is the zone's apex.
 */
#ifndef DNS_ZONE_PARSER_H
#define DNS_ZONE_PARSER_H

#include "zone_builder.h"
#include "zone_lexer.h"

struct zone_parser {
    struct zone_lexer lexer;
    struct zone_token token;
    struct zone_builder *builder;
    struct zone_error *error;
    uint32_t origin; /* NAME_NONE before $ORIGIN and the SOA */
    uint32_t owner;  /* NAME_NONE before the first record */
    uint32_t apex;   /* NAME_NONE before the SOA */
    uint32_t ttl;
    bool has_ttl;
    bool has_default_ttl; /* `ttl` is $TTL's and explicit ones do not replace it */
    uint16_t file;
};

/* Reads the whole zone from parser->lexer, which the caller has opened. `file` is what places in
 * errors carry. False when the zone is wrong; *error then says what and where. */
bool zone_parse(struct zone_parser *parser, uint16_t file, struct zone_builder *builder,
                struct zone_error *error);

/* For zone_rdata.c. */

/* Notes the error, with the place and text of the current token, and returns false. */
bool zone_parser_fail(struct zone_parser *parser, const char *message);

/* Goes to the next token; false at a broken one. */
bool zone_parser_advance(struct zone_parser *parser);

/* The current word as a name; relative ones end in the origin. Does not advance. */
bool zone_parser_name(struct zone_parser *parser, uint32_t *name);

/* The current word as a TTL or another time in seconds, units allowed. Does not advance. */
bool zone_parser_time(struct zone_parser *parser, uint32_t *seconds);

/* `size` octets more in the data of the record that is being read; NULL after noting the error. */
uint8_t *zone_parser_data(struct zone_parser *parser, size_t size);

#endif
