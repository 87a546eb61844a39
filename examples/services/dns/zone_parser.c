#include "zone_parser.h"

#include "zone_rdata.h"

#include <string.h>

#define TTL_LIMIT 2147483647U /* RFC 2181 §8 */

bool zone_parser_fail(struct zone_parser *parser, const char *message)
{
    const struct zone_token *token = &parser->token;
    struct zone_error *error = parser->error;
    size_t length = 0;
    error->message = message;
    error->place = (struct zone_place){
        .line = token->line,
        .column = token->column < UINT16_MAX ? (uint16_t)token->column : UINT16_MAX,
        .file = parser->file,
    };
    if (token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED) {
        length = token->length < sizeof error->detail ? token->length : sizeof error->detail - 1;
        memcpy(error->detail, token->text, length);
    }
    error->detail[length] = '\0';
    return false;
}

bool zone_parser_advance(struct zone_parser *parser)
{
    zone_lexer_next(&parser->lexer, &parser->token);
    return parser->token.kind != TOKEN_ERROR || zone_parser_fail(parser, parser->token.message);
}

uint8_t *zone_parser_data(struct zone_parser *parser, size_t size)
{
    uint8_t *data = memory_array_extend(&parser->builder->data, size);
    if (data == NULL) {
        (void)zone_parser_fail(parser, "out of memory");
    }
    return data;
}

static bool is_word(const struct zone_parser *parser, const char *word)
{
    return parser->token.kind == TOKEN_WORD &&
           text_is(parser->token.text, parser->token.length, word);
}

static bool is_line_end(const struct zone_parser *parser)
{
    return parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_END;
}

bool zone_parser_name(struct zone_parser *parser, uint32_t *name)
{
    static const char no_origin[] = "a relative name needs $ORIGIN before it, or ends in a dot";
    struct name_labels labels;
    if (parser->token.kind != TOKEN_WORD) {
        return zone_parser_fail(parser, "a name is expected here");
    }
    if (is_word(parser, "@")) {
        *name = parser->origin;
        return parser->origin != NAME_NONE || zone_parser_fail(parser, no_origin);
    }
    const char *wrong = name_from_text(parser->token.text, parser->token.length, &labels);
    if (wrong != NULL) {
        return zone_parser_fail(parser, wrong);
    }
    uint32_t base = labels.absolute ? NAME_ROOT : parser->origin;
    if (base == NAME_NONE) {
        return zone_parser_fail(parser, no_origin);
    }
    wrong = name_tree_intern(&parser->builder->zones->names, base, &labels, name);
    return wrong == NULL || zone_parser_fail(parser, wrong);
}

static uint32_t unit_seconds(char unit)
{
    switch (name_fold((uint8_t)unit)) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 604800;
    default:
        return 0;
    }
}

/* 3600, 1h, 1h30m: numbers with units, the last unit optional when it is the only number. */
static bool time_from_text(const char *text, size_t length, uint32_t *seconds)
{
    uint64_t total = 0;
    size_t at = 0;
    if (text_to_number(text, length, TTL_LIMIT, seconds)) {
        return true;
    }
    while (at < length) {
        size_t digits = 0;
        uint32_t number = 0;
        while (at + digits < length && text[at + digits] >= '0' && text[at + digits] <= '9') {
            digits++;
        }
        if (at + digits == length || !text_to_number(text + at, digits, TTL_LIMIT, &number)) {
            return false;
        }
        uint32_t unit = unit_seconds(text[at + digits]);
        total += (uint64_t)number * unit;
        if (unit == 0 || total > TTL_LIMIT) {
            return false;
        }
        at += digits + 1;
    }
    *seconds = (uint32_t)total;
    return length != 0;
}

bool zone_parser_time(struct zone_parser *parser, uint32_t *seconds)
{
    return (parser->token.kind == TOKEN_WORD &&
            time_from_text(parser->token.text, parser->token.length, seconds)) ||
           zone_parser_fail(parser, "a time is expected here (seconds up to 2147483647, or 1h30m)");
}

static bool expect_line_end(struct zone_parser *parser)
{
    return is_line_end(parser) || zone_parser_fail(parser, "nothing more is expected on this line");
}

/* Takes a line that starts with `$`. */
static bool parse_directive(struct zone_parser *parser)
{
    if (is_word(parser, "$ORIGIN")) {
        if (!zone_parser_advance(parser) || !zone_parser_name(parser, &parser->origin)) {
            return false;
        }
    } else if (is_word(parser, "$TTL")) {
        if (!zone_parser_advance(parser) || !zone_parser_time(parser, &parser->ttl)) {
            return false;
        }
        parser->has_ttl = true;
        parser->has_default_ttl = true;
    } else if (is_word(parser, "$INCLUDE")) {
        return zone_parser_fail(parser, "$INCLUDE is not supported: put the records in this file");
    } else {
        return zone_parser_fail(parser, "unknown directive (known: $ORIGIN, $TTL)");
    }
    return zone_parser_advance(parser) && expect_line_end(parser);
}

static bool is_other_class(const struct zone_parser *parser)
{
    const struct zone_token *token = &parser->token;
    return is_word(parser, "CH") || is_word(parser, "HS") || is_word(parser, "CS") ||
           (token->length > 5 && text_is(token->text, 5, "CLASS"));
}

/* Takes TTL and class, which may be omitted and come in either order, up to the type. */
static bool parse_ttl_and_class(struct zone_parser *parser, uint32_t *ttl)
{
    bool has_ttl = false;
    bool has_class = false;
    for (;;) {
        const struct zone_token *token = &parser->token;
        bool number = token->kind == TOKEN_WORD && token->length != 0 && token->text[0] >= '0' &&
                      token->text[0] <= '9';
        if (number && !has_ttl) {
            if (!zone_parser_time(parser, ttl)) {
                return false;
            }
            has_ttl = true;
        } else if (is_word(parser, "IN") && !has_class) {
            has_class = true;
        } else if (is_other_class(parser)) {
            return zone_parser_fail(parser, "only class IN is served");
        } else {
            break;
        }
        if (!zone_parser_advance(parser)) {
            return false;
        }
    }
    if (!has_ttl && !parser->has_ttl) {
        return zone_parser_fail(parser, "no TTL: give one before the type, or $TTL above");
    }
    if (!has_ttl) {
        *ttl = parser->ttl;
    } else if (!parser->has_default_ttl) {
        /* RFC 1035 §5.1: an omitted TTL is the last one stated. */
        parser->ttl = *ttl;
        parser->has_ttl = true;
    }
    return true;
}

static bool parse_type(struct zone_parser *parser, uint16_t *type)
{
    const struct zone_token *token = &parser->token;
    if (token->kind != TOKEN_WORD || !record_type_from_text(token->text, token->length, type)) {
        return zone_parser_fail(parser, "a record type is expected here (others than A AAAA CAA "
                                        "CNAME MX NS PTR SOA SRV TXT are written TYPEn)");
    }
    if (*type == 0 || *type == TYPE_OPT || (*type >= TYPE_META_FIRST && *type <= TYPE_META_LAST)) {
        return zone_parser_fail(parser, "this type is not for records in a zone");
    }
    if (*type == TYPE_DNAME) {
        return zone_parser_fail(parser, "DNAME is not supported");
    }
    return true;
}

static bool is_below(const struct name_tree *names, uint32_t name, uint32_t ancestor)
{
    while (name > ancestor) {
        name = name_tree_node(names, name)->parent;
    }
    return name == ancestor;
}

/* Checks the owner against the zone; the SOA, which comes first, makes its owner the apex. */
static bool check_owner(struct zone_parser *parser, uint16_t type)
{
    const struct name_tree *names = &parser->builder->zones->names;
    if (parser->apex == NAME_NONE) {
        struct name_node *node = name_tree_node(names, parser->owner);
        if (type != TYPE_SOA) {
            return zone_parser_fail(parser, "the first record of a zone is its SOA");
        }
        if ((node->flags & NAME_APEX) != 0) {
            return zone_parser_fail(parser, "this zone is there already, from another file");
        }
        node->flags |= NAME_APEX;
        parser->apex = parser->owner;
        parser->builder->zones->zones++;
    } else if (type == TYPE_SOA) {
        return zone_parser_fail(parser, "a zone has one SOA record");
    } else if (!is_below(names, parser->owner, parser->apex)) {
        return zone_parser_fail(parser, "the owner is outside the zone");
    }
    return true;
}

/* Takes a record from its TTL, class or type on; parser->owner is set. */
static bool parse_record(struct zone_parser *parser)
{
    struct zone_record record = {.owner = parser->owner};
    if (!parse_ttl_and_class(parser, &record.ttl) || !parse_type(parser, &record.type) ||
        !check_owner(parser, record.type)) {
        return false;
    }
    record.apex = parser->apex;
    record.place = (struct zone_place){
        .line = parser->token.line,
        .column = parser->token.column < UINT16_MAX ? (uint16_t)parser->token.column : UINT16_MAX,
        .file = parser->file,
    };
    record.data = (uint32_t)parser->builder->data.length;
    if (!zone_parser_advance(parser) || !zone_rdata_parse(parser, record.type) ||
        !expect_line_end(parser)) {
        return false;
    }
    size_t length = parser->builder->data.length - record.data;
    if (length > UINT16_MAX) {
        return zone_parser_fail(parser, "record data longer than 65535 octets");
    }
    record.length = (uint16_t)length;
    struct zone_record *kept = memory_array_extend(&parser->builder->records, sizeof record);
    if (kept == NULL) {
        return zone_parser_fail(parser, "out of memory");
    }
    *kept = record;
    return true;
}

/* Takes one line; the current token is its first. */
static bool parse_line(struct zone_parser *parser)
{
    bool owner_omitted = parser->token.kind == TOKEN_BLANK;
    if (owner_omitted && !zone_parser_advance(parser)) {
        return false;
    }
    if (is_line_end(parser)) {
        return true;
    }
    if (owner_omitted) {
        return parser->owner != NAME_NONE
                   ? parse_record(parser)
                   : zone_parser_fail(parser, "no owner: the line starts with a blank and no "
                                              "record is above it");
    }
    if (parser->token.kind == TOKEN_WORD && parser->token.length != 0 &&
        parser->token.text[0] == '$') {
        return parse_directive(parser);
    }
    return zone_parser_name(parser, &parser->owner) && zone_parser_advance(parser) &&
           parse_record(parser);
}

bool zone_parse(struct zone_parser *parser, uint16_t file, struct zone_builder *builder,
                struct zone_error *error)
{
    parser->builder = builder;
    parser->error = error;
    parser->origin = NAME_NONE;
    parser->owner = NAME_NONE;
    parser->apex = NAME_NONE;
    parser->has_ttl = false;
    parser->has_default_ttl = false;
    parser->file = file;
    do {
        if (!zone_parser_advance(parser) || !parse_line(parser)) {
            return false;
        }
    } while (parser->token.kind != TOKEN_END);
    return parser->apex != NAME_NONE || zone_parser_fail(parser, "the file has no records");
}
