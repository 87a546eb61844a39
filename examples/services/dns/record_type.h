/*
 * What the server knows of record types: their mnemonics, and where names stand in their data.
 *
 * Data without names is kept as it goes over the wire. In the others each name is kept as its
 * number in the name tree (four octets, host order), so that an answer can compress it.
 */
#ifndef DNS_RECORD_TYPE_H
#define DNS_RECORD_TYPE_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>

/* Record data with names: `before` octets, then `names` names, then `after` octets. */
struct record_shape {
    uint8_t before;
    uint8_t names; /* 0: no names, the data is plain */
    uint8_t after;
    bool compress; /* RFC 3597 §4: only the types of RFC 1035; RFC 2782 forbids it for SRV */
};

static inline struct record_shape record_shape(uint16_t type)
{
    switch (type) {
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
        return (struct record_shape){0, 1, 0, true};
    case TYPE_MX:
        return (struct record_shape){2, 1, 0, true};
    case TYPE_SOA:
        return (struct record_shape){0, 2, 20, true};
    case TYPE_SRV:
        return (struct record_shape){6, 1, 0, false};
    default:
        return (struct record_shape){0, 0, 0, false};
    }
}

/* Octets that one record's data takes in the database, for a type with names. */
static inline size_t record_shape_size(struct record_shape shape)
{
    return (size_t)shape.before + shape.names * sizeof(uint32_t) + shape.after;
}

/* The type of a mnemonic or of RFC 3597's TYPEn, ignoring case; false when it is neither. */
bool record_type_from_text(const char *text, size_t length, uint16_t *type);

/* Whether two texts are the same but for ASCII case; `word` is a C string. */
bool text_is(const char *text, size_t length, const char *word);

/* A decimal number of at most `limit`; false for anything else, overflow included. */
bool text_to_number(const char *text, size_t length, uint32_t limit, uint32_t *number);

#endif
