#include "message_check.h"

static unsigned number16(const uint8_t *at)
{
    return (unsigned)at[0] * 256 + at[1];
}

/* Follows a whole name, pointers included. Returns the offset behind it in place, 0 when broken. */
static size_t walk_name(const uint8_t *message, size_t length, size_t at)
{
    size_t behind = 0;
    size_t total = 0;
    size_t lowest = at;
    while (at < length) {
        unsigned octet = message[at];
        if (octet == 0) {
            total += 1;
            return total > 255 ? 0 : behind != 0 ? behind : at + 1;
        }
        if (octet >= 192) {
            if (at + 1 >= length) {
                return 0;
            }
            size_t target = (size_t)(octet - 192) * 256 + message[at + 1];
            behind = behind != 0 ? behind : at + 2;
            /* Strictly backward, so that it ends. */
            if (target >= lowest || target < 12) {
                return 0;
            }
            lowest = target;
            at = target;
        } else if (octet > 63) {
            return 0;
        } else {
            total += octet + 1;
            at += octet + 1;
        }
    }
    return 0;
}

/* The names that stand in the data of the types that may have them. */
static bool data_is_whole(const uint8_t *message, size_t end, size_t at, unsigned type)
{
    switch (type) {
    case 1:
        return end - at == 4;
    case 28:
        return end - at == 16;
    case 2:
    case 5:
    case 12:
        return walk_name(message, end, at) == end;
    case 15:
        return end - at > 2 && walk_name(message, end, at + 2) == end;
    case 33:
        return end - at > 6 && walk_name(message, end, at + 6) == end;
    case 6:
        at = walk_name(message, end, at);
        at = at == 0 ? 0 : walk_name(message, end, at);
        return at != 0 && end - at == 20;
    default:
        return true;
    }
}

static size_t walk_record(const uint8_t *message, size_t length, size_t at,
                          struct message_summary *summary)
{
    at = walk_name(message, length, at);
    if (at == 0 || length - at < 10) {
        return 0;
    }
    unsigned type = number16(message + at);
    size_t end = at + 10 + number16(message + at + 8);
    if (end > length || !data_is_whole(message, end, at + 10, type)) {
        return 0;
    }
    if (type == 41) {
        if (summary->has_opt) {
            return 0;
        }
        summary->has_opt = true;
        summary->rcode += message[at + 4] * 16U;
    }
    return end;
}

const char *message_check(const uint8_t *message, size_t length, struct message_summary *summary)
{
    *summary = (struct message_summary){0};
    if (length < 12) {
        return "no whole header";
    }
    for (unsigned i = 0; i < 4; i++) {
        summary->counts[i] = number16(message + 4 + 2 * i);
    }
    summary->rcode = message[3] & 15;
    summary->truncated = (message[2] & 2) != 0;
    size_t at = 12;
    for (unsigned i = 0; i < summary->counts[0]; i++) {
        at = walk_name(message, length, at);
        if (at == 0 || length - at < 4) {
            return "broken question";
        }
        at += 4;
    }
    summary->question_end = at;
    for (unsigned section = 1; section < 4; section++) {
        for (unsigned i = 0; i < summary->counts[section]; i++) {
            at = walk_record(message, length, at, summary);
            if (at == 0) {
                return "broken record";
            }
        }
    }
    return at == length ? NULL : "octets behind the last record";
}
