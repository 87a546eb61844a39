/*
 * One query as it came over the network: the only place that reads an untrusted packet.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>

enum query_status {
    QUERY_IGNORE,         /* no answer at all */
    QUERY_MALFORMED,      /* FORMERR, header only */
    QUERY_UNKNOWN_OPCODE, /* NOTIMP, header only */
    QUERY_VALID,          /* every field of struct query is set */
};

struct query {
    uint16_t flags;
    uint16_t type;
    uint16_t class;
    uint16_t question_end; /* octets of header and question, which an answer repeats */
    uint16_t udp_limit;    /* what the sender can take over UDP, by EDNS; 512 without */
    uint8_t label_count;
    uint8_t edns_version;
    bool has_edns;
    bool dnssec_ok;
    /* Where each label of the name starts, counted from the name's start, left to right. */
    uint8_t labels[WIRE_LABELS_LIMIT];
};

/* Checks and reads the packet. Reads nothing outside it. */
enum query_status query_parse(const uint8_t *packet, size_t length, struct query *query);

#endif
