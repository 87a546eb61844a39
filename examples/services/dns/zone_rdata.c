#include "zone_rdata.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    STRING_LIMIT = 255, /* RFC 1035 §3.3: one length octet */
    CAA_TAG_LIMIT = 15, /* RFC 8659 §4.1 */
    ADDRESS_LIMIT = 64, /* longer than any address in text */
};

static bool put(struct zone_parser *parser, const void *octets, size_t size)
{
    uint8_t *data = zone_parser_data(parser, size);
    if (data == NULL) {
        return false;
    }
    memcpy(data, octets, size);
    return true;
}

/* Takes an address; `size` octets of family `family`. */
static bool parse_address(struct zone_parser *parser, int family, size_t size, const char *wrong)
{
    char text[ADDRESS_LIMIT];
    uint8_t address[sizeof(struct in6_addr)];
    const struct zone_token *token = &parser->token;
    if (token->kind != TOKEN_WORD || token->length >= sizeof text) {
        return zone_parser_fail(parser, wrong);
    }
    memcpy(text, token->text, token->length);
    text[token->length] = '\0';
    if (strlen(text) != token->length || inet_pton(family, text, address) != 1) {
        return zone_parser_fail(parser, wrong);
    }
    return put(parser, address, size) && zone_parser_advance(parser);
}

static bool parse_number(struct zone_parser *parser, uint32_t limit, uint32_t *number)
{
    const struct zone_token *token = &parser->token;
    if (token->kind != TOKEN_WORD || !text_to_number(token->text, token->length, limit, number)) {
        return zone_parser_fail(parser, limit == UINT8_MAX ? "a number up to 255 is expected here"
                                        : limit == UINT16_MAX
                                            ? "a number up to 65535 is expected here"
                                            : "a number up to 4294967295 is expected here");
    }
    return zone_parser_advance(parser);
}

static bool parse_number16(struct zone_parser *parser)
{
    uint32_t number = 0;
    uint8_t octets[2];
    if (!parse_number(parser, UINT16_MAX, &number)) {
        return false;
    }
    wire_store16(octets, (uint16_t)number);
    return put(parser, octets, sizeof octets);
}

static bool parse_name(struct zone_parser *parser)
{
    uint32_t name = 0;
    return zone_parser_name(parser, &name) && put(parser, &name, sizeof name) &&
           zone_parser_advance(parser);
}

/* Primary, mailbox, serial, refresh, retry, expire, minimum (RFC 1035 §3.3.13). */
static bool parse_soa(struct zone_parser *parser)
{
    uint32_t number = 0;
    uint8_t octets[4];
    if (!parse_name(parser) || !parse_name(parser) || !parse_number(parser, UINT32_MAX, &number)) {
        return false;
    }
    wire_store32(octets, number);
    if (!put(parser, octets, sizeof octets)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (!zone_parser_time(parser, &number)) {
            return false;
        }
        wire_store32(octets, number);
        if (!put(parser, octets, sizeof octets) || !zone_parser_advance(parser)) {
            return false;
        }
    }
    return true;
}

/* Appends the octets of the current word or string, which number at most `limit`. */
static bool put_string(struct zone_parser *parser, size_t limit, const char *too_long)
{
    const char *cursor = parser->token.text;
    const char *end = cursor + parser->token.length;
    size_t size = 0;
    while (cursor != end) {
        uint8_t octet = 0;
        if (!name_unescape(&cursor, end, &octet)) {
            return zone_parser_fail(parser, "broken escape (write \\DDD with three digits up to "
                                            "255, or \\X)");
        }
        if (size++ == limit) {
            return zone_parser_fail(parser, too_long);
        }
        if (!put(parser, &octet, 1)) {
            return false;
        }
    }
    return true;
}

static bool is_string(const struct zone_parser *parser)
{
    return parser->token.kind == TOKEN_WORD || parser->token.kind == TOKEN_QUOTED;
}

static bool parse_text(struct zone_parser *parser)
{
    if (!is_string(parser)) {
        return zone_parser_fail(parser, "a string is expected here");
    }
    while (is_string(parser)) {
        size_t at = parser->builder->data.length;
        if (zone_parser_data(parser, 1) == NULL ||
            !put_string(parser, STRING_LIMIT, "string longer than 255 octets: split it")) {
            return false;
        }
        /* The array may have moved while it grew. */
        uint8_t *data = parser->builder->data.data;
        data[at] = (uint8_t)(parser->builder->data.length - at - 1);
        if (!zone_parser_advance(parser)) {
            return false;
        }
    }
    return true;
}

static bool is_letter_or_digit(char character)
{
    uint8_t folded = name_fold((uint8_t)character);
    return (folded >= 'a' && folded <= 'z') || (folded >= '0' && folded <= '9');
}

/* Flags, tag, value (RFC 8659 §4.1). */
static bool parse_caa(struct zone_parser *parser)
{
    uint32_t flags = 0;
    uint8_t octets[2];
    const struct zone_token *token = &parser->token;
    if (!parse_number(parser, UINT8_MAX, &flags)) {
        return false;
    }
    bool valid = token->kind == TOKEN_WORD && token->length <= CAA_TAG_LIMIT;
    for (size_t i = 0; valid && i < token->length; i++) {
        valid = is_letter_or_digit(token->text[i]);
    }
    if (!valid) {
        return zone_parser_fail(parser,
                                "a CAA tag is expected here (issue, issuewild, iodef, ...)");
    }
    octets[0] = (uint8_t)flags;
    octets[1] = (uint8_t)token->length;
    if (!put(parser, octets, sizeof octets) || !put(parser, token->text, token->length) ||
        !zone_parser_advance(parser)) {
        return false;
    }
    return (is_string(parser) || zone_parser_fail(parser, "a CAA value is expected here")) &&
           put_string(parser, ZONE_WORD_LIMIT, "CAA value too long") && zone_parser_advance(parser);
}

static int hex_value(char character)
{
    uint8_t folded = name_fold((uint8_t)character);
    if (folded >= '0' && folded <= '9') {
        return folded - '0';
    }
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

/* Appends one word of hexadecimal octets; *left counts those still to come. */
static bool put_hex_word(struct zone_parser *parser, uint32_t *left)
{
    const struct zone_token *token = &parser->token;
    for (size_t i = 0; i < token->length; i += 2) {
        int high = hex_value(token->text[i]);
        int low = i + 1 < token->length ? hex_value(token->text[i + 1]) : -1;
        if (high < 0 || low < 0) {
            return zone_parser_fail(parser, "pairs of hexadecimal digits are expected here");
        }
        if ((*left)-- == 0) {
            return zone_parser_fail(parser, "more data than the length before it says");
        }
        uint8_t octet = (uint8_t)(high << 4 | low);
        if (!put(parser, &octet, 1)) {
            return false;
        }
    }
    return zone_parser_advance(parser);
}

/* \# LENGTH HEX… (RFC 3597 §5). */
static bool parse_unknown(struct zone_parser *parser)
{
    uint32_t left = 0;
    const struct zone_token *token = &parser->token;
    if (token->kind != TOKEN_WORD || !text_is(token->text, token->length, "\\#")) {
        return zone_parser_fail(parser, "data of this type is written \\# LENGTH HEX");
    }
    if (!zone_parser_advance(parser) || !parse_number(parser, UINT16_MAX, &left)) {
        return false;
    }
    while (token->kind == TOKEN_WORD) {
        if (!put_hex_word(parser, &left)) {
            return false;
        }
    }
    return left == 0 || zone_parser_fail(parser, "less data than the length before it says");
}

bool zone_rdata_parse(struct zone_parser *parser, uint16_t type)
{
    switch (type) {
    case TYPE_A:
        return parse_address(parser, AF_INET, sizeof(struct in_addr),
                             "an IPv4 address is expected here");
    case TYPE_AAAA:
        return parse_address(parser, AF_INET6, sizeof(struct in6_addr),
                             "an IPv6 address is expected here");
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
        return parse_name(parser);
    case TYPE_MX:
        return parse_number16(parser) && parse_name(parser);
    case TYPE_SRV:
        return parse_number16(parser) && parse_number16(parser) && parse_number16(parser) &&
               parse_name(parser);
    case TYPE_SOA:
        return parse_soa(parser);
    case TYPE_TXT:
        return parse_text(parser);
    case TYPE_CAA:
        return parse_caa(parser);
    default:
        return parse_unknown(parser);
    }
}
