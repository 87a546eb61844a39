#include "query.h"

enum {
    QUESTION_TAIL = 4, /* type and class */
    RECORD_FIXED = 10, /* type, class, TTL, data length */
    OPTION_FIXED = 4,  /* RFC 6891 §6.1.2: code and length */
    LABEL_KIND = 0xC0, /* RFC 1035 §4.1.4: both bits set mark a pointer, one bit is reserved */
    EDNS_DNSSEC_OK = 0x8000,
    COUNT_QUESTION = 4,
    COUNT_ANSWER = 6,
    COUNT_AUTHORITY = 8,
    COUNT_ADDITIONAL = 10,
};

/* Checks 5 to 7: the name in the question. Returns the offset behind it, or 0. */
static size_t parse_name(const uint8_t *packet, size_t length, struct query *query)
{
    size_t at = WIRE_HEADER_SIZE;
    unsigned count = 0;
    for (;;) {
        /* 5. Each length octet lies in the packet and is no pointer: nothing stands before the
         * question that it could point to. */
        if (at >= length || (packet[at] & LABEL_KIND) != 0) {
            return 0;
        }
        size_t size = packet[at];
        /* 6. The name with its root stays within 255 octets. The next length octet, at worst the
         * root's, is at most the 255th. */
        if (at - WIRE_HEADER_SIZE + size + 1 > WIRE_NAME_LIMIT - (size == 0 ? 0 : 1)) {
            return 0;
        }
        if (size == 0) {
            query->label_count = (uint8_t)count;
            return at + 1;
        }
        /* 7. So a name has at most 127 labels. */
        query->labels[count++] = (uint8_t)(at - WIRE_HEADER_SIZE);
        at += size + 1;
    }
}

/* The offset behind a name that is not used, or 0. Pointers are not followed. */
static size_t skip_name(const uint8_t *packet, size_t length, size_t at)
{
    size_t start = at;
    while (at < length && at - start < WIRE_NAME_LIMIT) {
        uint8_t size = packet[at];
        if (size == 0) {
            return at + 1;
        }
        if ((size & LABEL_KIND) == LABEL_KIND) {
            return at + 2 <= length ? at + 2 : 0;
        }
        if ((size & LABEL_KIND) != 0) {
            return 0;
        }
        at += (size_t)size + 1;
    }
    return 0;
}

/* Check 13: options fill the data of the OPT record exactly. Their contents do not matter. */
static bool options_are_whole(const uint8_t *data, size_t length)
{
    while (length != 0) {
        if (length < OPTION_FIXED || length - OPTION_FIXED < wire_load16(data + 2)) {
            return false;
        }
        size_t size = OPTION_FIXED + (size_t)wire_load16(data + 2);
        data += size;
        length -= size;
    }
    return true;
}

/* Checks 11 to 13 for one record of the additional section. Returns the offset behind it, or 0. */
static size_t parse_additional(const uint8_t *packet, size_t length, size_t at, struct query *query)
{
    /* 11. Name, fixed part and data lie in the packet. */
    size_t fixed = skip_name(packet, length, at);
    if (fixed == 0 || length - fixed < RECORD_FIXED) {
        return 0;
    }
    size_t data = fixed + RECORD_FIXED;
    size_t data_length = wire_load16(packet + fixed + 8);
    if (length - data < data_length) {
        return 0;
    }
    if (wire_load16(packet + fixed) != TYPE_OPT) {
        return data + data_length;
    }
    /* 12. RFC 6891 §6.1.1: one OPT record at most, and its name is the root. */
    if (query->has_edns || packet[at] != 0 || !options_are_whole(packet + data, data_length)) {
        return 0;
    }
    query->has_edns = true;
    query->udp_limit = wire_load16(packet + fixed + 2);
    query->edns_version = packet[fixed + 5];
    query->dnssec_ok = (wire_load16(packet + fixed + 6) & EDNS_DNSSEC_OK) != 0;
    return data + data_length;
}

enum query_status query_parse(const uint8_t *packet, size_t length, struct query *query)
{
    /* 1. A whole header, or there is nobody to answer. */
    if (length < WIRE_HEADER_SIZE) {
        return QUERY_IGNORE;
    }
    query->flags = wire_load16(packet + 2);
    /* 2. Answers are never answered: two servers would talk for ever. */
    if ((query->flags & FLAG_QR) != 0) {
        return QUERY_IGNORE;
    }
    /* 3. Only opcode 0, QUERY. */
    if ((query->flags & FLAG_OPCODE) != 0) {
        return QUERY_UNKNOWN_OPCODE;
    }
    /* 4. One question (RFC 9619), and no records where only answers have them. */
    if (wire_load16(packet + COUNT_QUESTION) != 1) {
        return QUERY_MALFORMED;
    }
    size_t at = parse_name(packet, length, query);
    /* 8. Type and class lie in the packet. */
    if (at == 0 || length - at < QUESTION_TAIL) {
        return QUERY_MALFORMED;
    }
    query->type = wire_load16(packet + at);
    query->class = wire_load16(packet + at + 2);
    at += QUESTION_TAIL;
    query->question_end = (uint16_t)at;
    query->has_edns = false;
    query->dnssec_ok = false;
    query->edns_version = 0;
    query->udp_limit = WIRE_CLASSIC_LIMIT;
    /* 9. A zone transfer's old SOA (RFC 1995 §3) is refused with its question, unread. */
    if (query->type == TYPE_IXFR) {
        return QUERY_VALID;
    }
    if (wire_load16(packet + COUNT_ANSWER) != 0 || wire_load16(packet + COUNT_AUTHORITY) != 0) {
        return QUERY_MALFORMED;
    }
    /* 10. Each record takes 11 octets, so the packet's end bounds a count that lies. */
    for (unsigned left = wire_load16(packet + COUNT_ADDITIONAL); left != 0; left--) {
        at = parse_additional(packet, length, at, query);
        if (at == 0) {
            return QUERY_MALFORMED;
        }
    }
    /* 14. Nothing follows the last record. */
    return at == length ? QUERY_VALID : QUERY_MALFORMED;
}
