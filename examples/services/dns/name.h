/*
 * Domain names in text: labels between dots, with the escapes \X and \DDD (RFC 1035 §5.1).
 * Case never distinguishes names (RFC 4343) and is kept as written.
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>

/* Lower case of one octet: ASCII letters only, as RFC 4343 §2 asks. */
static inline uint8_t name_fold(uint8_t octet)
{
    return (uint8_t)(octet - 'A') < 26 ? (uint8_t)(octet | 0x20) : octet;
}

/* The labels of a name in wire form, without the root's zero octet. */
struct name_labels {
    uint8_t octets[WIRE_NAME_LIMIT];
    size_t length;
    bool absolute; /* the text ended in a dot */
};

/* Reads `length` characters into `labels`. Returns NULL, or what is wrong with the text. */
const char *name_from_text(const char *text, size_t length, struct name_labels *labels);

/* Decodes one character or escape at *cursor (before `end`), advances, and stores the octet.
 * False for a broken escape. */
bool name_unescape(const char **cursor, const char *end, uint8_t *octet);

#endif
