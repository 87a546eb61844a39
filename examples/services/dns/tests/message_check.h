/*
 * A second reader of DNS messages, written apart from the server's, that says whether an answer is
 * well formed: names end, pointers point back, counts are true, nothing follows.
 */
#ifndef DNS_TESTS_MESSAGE_CHECK_H
#define DNS_TESTS_MESSAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_summary {
    unsigned rcode; /* with the upper bits from OPT */
    unsigned counts[4];
    bool has_opt;
    bool truncated;
    size_t question_end;
};

/* Returns NULL, or what is wrong with the message. */
const char *message_check(const uint8_t *message, size_t length, struct message_summary *summary);

#endif
