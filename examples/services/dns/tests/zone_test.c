/* Master files: each mistake with its place, and what a good file becomes. */
#include "check.h"
#include "zone_text.h"

#include <string.h>

#define HEAD "$ORIGIN t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n@ NS n\n"

/* Line 5 is the first after HEAD. */
static const struct {
    const char *text;
    uint32_t line; /* 0: the zone is good */
    uint32_t column;
    const char *message; /* how the message starts */
} rows[] = {
    {HEAD, 0, 0, ""},
    {HEAD "w A 192.0.2.1", 0, 0, ""},
    {HEAD "w 1h30m IN A 192.0.2.1\n", 0, 0, ""},
    {HEAD "w IN 1h A 192.0.2.1\n", 0, 0, ""},
    {HEAD "w a 192.0.2.1\n  aaaa ::1\n", 0, 0, ""},
    {HEAD "w TXT ( \"a;b\" ; comment ) here\n c )\n", 0, 0, ""},
    {HEAD "w TYPE62347 \\# 3 ab cdef\nw2 TYPE62347 \\# 0\n", 0, 0, ""},
    {HEAD "w A 192.0.2.1\r\nx A 192.0.2.1\r\n", 0, 0, ""},
    {"t. 60 SOA n.t. h.t. 1 2 3 4 5\nt. NS n.t.\n", 0, 0, ""},
    {"", 1, 1, "the file has no records"},
    {"w A 192.0.2.1\n", 1, 1, "a relative name needs $ORIGIN"},
    {"@ A 192.0.2.1\n", 1, 1, "a relative name needs $ORIGIN"},
    {"  A 192.0.2.1\n", 1, 3, "no owner"},
    {"w.t. A 192.0.2.1\n", 1, 6, "no TTL"},
    {"w.t. 60 A 192.0.2.1\n", 1, 9, "the first record of a zone is its SOA"},
    {"$ORIGIN t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n", 3, 3, "the zone has no NS record"},
    {HEAD "@ SOA n h 1 2 3 4 5\n", 5, 3, "a zone has one SOA"},
    {HEAD "w.u. A 192.0.2.1\n", 5, 6, "the owner is outside the zone"},
    {HEAD "$INCLUDE x\n", 5, 1, "$INCLUDE is not supported"},
    {HEAD "$GENERATE 1-2 a A 1\n", 5, 1, "unknown directive"},
    {HEAD "$TTL x\n", 5, 6, "a time is expected"},
    {HEAD "$TTL 60 60\n", 5, 9, "nothing more is expected"},
    {HEAD "$TTL\n", 5, 5, "a time is expected"},
    {HEAD "w A 192.0.2\n", 5, 5, "an IPv4 address"},
    {HEAD "w A\n", 5, 4, "an IPv4 address"},
    {HEAD "w A 192.0.2.1 x\n", 5, 15, "nothing more is expected"},
    {HEAD "w AAAA 192.0.2.1\n", 5, 8, "an IPv6 address"},
    {HEAD "w MX mail\n", 5, 6, "a number up to 65535"},
    {HEAD "w MX 65536 mail\n", 5, 6, "a number up to 65535"},
    {HEAD "w MX 1\n", 5, 7, "a name is expected"},
    {HEAD "w TXT\n", 5, 6, "a string is expected"},
    {HEAD "w TXT \"abc\n", 5, 7, "the quoted string does not end"},
    {HEAD "w TXT \"\\300\"\n", 5, 7, "broken escape"},
    {HEAD "w TXT a\\\n", 5, 7, "nothing follows the backslash"},
    {HEAD "w CAA 256 issue x\n", 5, 7, "a number up to 255"},
    {HEAD "w CAA 0 is-sue x\n", 5, 9, "a CAA tag"},
    {HEAD "w CAA 0 issue\n", 5, 14, "a CAA value"},
    {HEAD "w CH A 192.0.2.1\n", 5, 3, "only class IN"},
    {HEAD "w CLASS3 A 192.0.2.1\n", 5, 3, "only class IN"},
    {HEAD "w NONSENSE x\n", 5, 3, "a record type is expected"},
    {HEAD "w TYPE65536 x\n", 5, 3, "a record type is expected"},
    {HEAD "w TYPE41 \\# 0\n", 5, 3, "this type is not for records"},
    {HEAD "w TYPE255 \\# 0\n", 5, 3, "this type is not for records"},
    {HEAD "w TYPE39 \\# 0\n", 5, 3, "DNAME is not supported"},
    {HEAD "w TYPE99 x\n", 5, 10, "data of this type is written"},
    {HEAD "w TYPE99 \\# 2 ab\n", 5, 17, "less data"},
    {HEAD "w TYPE99 \\# 1 abcd\n", 5, 15, "more data"},
    {HEAD "w TYPE99 \\# 1 a\n", 5, 15, "pairs of hexadecimal"},
    {HEAD "w A 192.0.2.1 )\n", 5, 15, "this parenthesis closes nothing"},
    {HEAD "w TXT ( a\n", 6, 1, "a parenthesis is still open"},
    {HEAD "w CNAME a\nw CNAME b\n", 6, 3, "a name has one CNAME"},
    {HEAD "w CNAME a\nw A 192.0.2.1\n", 6, 3, "a name with a CNAME record has no other"},
    {HEAD "w MX 1 a\nw CNAME a\n", 5, 3, "a name with a CNAME record has no other"},
    {HEAD "*.w NS a\n", 5, 5, "a wildcard cannot be delegated"},
    {HEAD "w 2147483648 A 192.0.2.1\n", 5, 3, "a time is expected"},
    {HEAD "w 999999w A 192.0.2.1\n", 5, 3, "a time is expected"},
    {HEAD "a..b A 192.0.2.1\n", 5, 1, "empty label"},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zone_database zones;
        struct zone_error error = {0};
        size_t length = strlen(rows[i].text);
        bool good = zone_text_build(&zones, &rows[i].text, &length, 1, &error);
        CHECK_ROW(good == (rows[i].line == 0), rows[i].text);
        if (good) {
            zone_database_release(&zones);
        } else {
            CHECK_ROW(error.place.line == rows[i].line && error.place.column == rows[i].column,
                      rows[i].text);
            CHECK_ROW(strncmp(error.message, rows[i].message, strlen(rows[i].message)) == 0,
                      rows[i].text);
        }
    }
}

static uint32_t find(const struct zone_database *zones, const char *text)
{
    struct name_labels labels;
    uint32_t name = NAME_ROOT;
    size_t starts[WIRE_LABELS_LIMIT];
    size_t count = 0;
    CHECK(name_from_text(text, strlen(text), &labels) == NULL);
    for (size_t at = 0; at < labels.length; at += (size_t)labels.octets[at] + 1) {
        starts[count++] = at;
    }
    while (count != 0 && name != NAME_NONE) {
        name = name_tree_find(&zones->names, name, labels.octets + starts[--count]);
    }
    return name;
}

/* Repeated records are kept once, a set has its lowest TTL, and order is the file's. */
static void test_sets(void)
{
    static const char *text = HEAD "w 50 A 192.0.2.2\nw 40 A 192.0.2.1\nW 60 A 192.0.2.2\n";
    static const uint8_t expected[] = {
        0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 40, 0, 4, 192, 0, 2, 2,
        0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 40, 0, 4, 192, 0, 2, 1,
    };
    struct zone_database zones;
    struct zone_error error = {0};
    size_t length = strlen(text);
    CHECK(zone_text_build(&zones, &text, &length, 1, &error));
    const struct zone_rrset *set = zone_rrset(&zones, find(&zones, "w.T."), TYPE_A);
    CHECK(set != NULL && set->count == 2 && set->ttl == 40 && set->length == sizeof expected);
    CHECK(set != NULL && memcmp(zone_data(&zones, set->data), expected, sizeof expected) == 0);
    CHECK(find(&zones, "x.t.") == NAME_NONE);
    zone_database_release(&zones);
}

/* A deeper zone takes its names from the upper one, whichever is read first. */
static void test_zones(void)
{
    static const char *const texts[] = {
        HEAD "deep.c NS n.c\nn.c A 192.0.2.9\nc NS n.c\nother A 192.0.2.1\n",
        "$ORIGIN c.t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n@ NS n\nn A 192.0.2.8\n",
    };
    for (unsigned first = 0; first < 2; first++) {
        const char *ordered[] = {texts[first], texts[1 - first]};
        size_t lengths[] = {strlen(ordered[0]), strlen(ordered[1])};
        struct zone_database zones;
        struct zone_error error = {0};
        CHECK(zone_text_build(&zones, ordered, lengths, 2, &error));
        const struct zone_rrset *set = zone_rrset(&zones, find(&zones, "n.c.t."), TYPE_A);
        CHECK(set != NULL && set->count == 1 && zone_data(&zones, set->data)[15] == 8);
        CHECK((zone_flags(&zones, find(&zones, "c.t.")) & (NAME_APEX | NAME_BELOW_CUT)) ==
              NAME_APEX);
        CHECK(name_tree_node(&zones.names, find(&zones, "deep.c.t."))->rrset_count == 0);
        CHECK(zones.zones == 2);
        zone_database_release(&zones);
    }
    const char *twice[] = {texts[1], texts[1]};
    size_t lengths[] = {strlen(texts[1]), strlen(texts[1])};
    struct zone_database zones;
    struct zone_error error = {0};
    CHECK(!zone_text_build(&zones, twice, lengths, 2, &error));
    CHECK(error.place.file == 1 && error.place.line == 3);
}

/* More names than the table starts with. */
static void test_growth(void)
{
    enum { NAMES = 20000, LINE = 32 };
    static char text[sizeof HEAD + (size_t)NAMES * LINE];
    size_t length = strlen(HEAD);
    memcpy(text, HEAD, length);
    for (unsigned i = 0; i < NAMES; i++) {
        length += (size_t)snprintf(text + length, LINE, "h%u A 10.0.%u.%u\n", i, i / 256, i % 256);
    }
    const char *start = text;
    struct zone_database zones;
    struct zone_error error = {0};
    CHECK(zone_text_build(&zones, &start, &length, 1, &error));
    for (unsigned i = 0; i < NAMES; i += 97) {
        char name[LINE];
        (void)snprintf(name, sizeof name, "H%u.t.", i);
        const struct zone_rrset *set = zone_rrset(&zones, find(&zones, name), TYPE_A);
        CHECK_ROW(set != NULL && zone_data(&zones, set->data)[15] == i % 256, name);
    }
    zone_database_release(&zones);
}

/* 256 strings of 255 octets, each with its length octet, are one octet too many. */
static void test_long_data(void)
{
    enum { STRING = 255, STRINGS = 256 };
    for (unsigned strings = STRINGS - 1; strings <= STRINGS; strings++) {
        static char text[sizeof HEAD + (size_t)STRINGS * (STRING + 1) + 16];
        size_t length = (size_t)snprintf(text, sizeof text, "%sw TXT", HEAD);
        for (unsigned i = 0; i < strings; i++) {
            text[length] = ' ';
            memset(text + length + 1, 'a', STRING);
            length += STRING + 1;
        }
        const char *start = text;
        struct zone_database zones;
        struct zone_error error = {0};
        bool good = zone_text_build(&zones, &start, &length, 1, &error);
        CHECK(good == (strings == STRINGS - 1));
        if (good) {
            zone_database_release(&zones);
        }
    }
}

int main(void)
{
    test_long_data();
    test_rows();
    test_sets();
    test_zones();
    test_growth();
    return check_result();
}
