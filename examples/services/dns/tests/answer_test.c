/* Answers: the cases that end-to-end tests with one zone cannot reach, and the limits of sizes. */
#include "../answer.h"
#include "check.h"
#include "message_check.h"
#include "zone_text.h"

#include <string.h>

#define HEAD "$ORIGIN t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n@ NS n\n"

static const char upper[] = HEAD "n A 192.0.2.1\n"
                                 "to-lower CNAME w.c\nto-missing CNAME missing.c\nc NS n.c\n"
                                 "n.c A 192.0.2.9\nmx MX 1 n.d\nd NS n.d\nn.d A 192.0.2.3\n"
                                 "*.wild CNAME same.wild\nto-cut CNAME a.d\n"
                                 "e.n2.n3 TXT x\n";
static const char lower[] = "$ORIGIN c.t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n@ NS n\nn A 192.0.2.8\n"
                            "w A 192.0.2.7\nback CNAME n.t.\n";

struct reply {
    unsigned rcode;
    bool authoritative;
    unsigned answers;
    unsigned authority;
    unsigned additional;
};

static size_t make_query(const char *name, uint16_t type, uint8_t *packet)
{
    struct name_labels labels;
    memcpy(packet, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", WIRE_HEADER_SIZE);
    CHECK_ROW(name_from_text(name, strlen(name), &labels) == NULL, name);
    memcpy(packet + WIRE_HEADER_SIZE, labels.octets, labels.length);
    uint8_t *end = packet + WIRE_HEADER_SIZE + labels.length;
    end[0] = 0;
    wire_store16(end + 1, type);
    wire_store16(end + 3, CLASS_IN);
    return WIRE_HEADER_SIZE + labels.length + 5;
}

static void check_reply(const struct zone_database *zones, const char *name, uint16_t type,
                        struct reply expected)
{
    uint8_t packet[300];
    uint8_t answer[ANSWER_UDP_CAPACITY];
    struct message_summary got;
    size_t length = make_query(name, type, packet);
    size_t size = answer_query(zones, ANSWER_UDP, packet, length, answer);
    CHECK_ROW(message_check(answer, size, &got) == NULL, name);
    CHECK_ROW(got.rcode == expected.rcode, name);
    CHECK_ROW(((answer[2] & 4) != 0) == expected.authoritative, name);
    CHECK_ROW(got.counts[1] == expected.answers, name);
    CHECK_ROW(got.counts[2] == expected.authority, name);
    CHECK_ROW(got.counts[3] == expected.additional, name);
}

static void test_two_zones(void)
{
    const char *texts[] = {upper, lower};
    size_t lengths[] = {sizeof upper - 1, sizeof lower - 1};
    struct zone_database zones;
    struct zone_error error = {0};
    CHECK(zone_text_build(&zones, texts, lengths, 2, &error));
    /* The deeper zone answers for its names; the upper one's delegation is gone. */
    check_reply(&zones, "n.c.t", TYPE_A, (struct reply){0, true, 1, 0, 0});
    check_reply(&zones, "c.t", TYPE_NS, (struct reply){0, true, 1, 0, 1});
    check_reply(&zones, "x.c.t", TYPE_A, (struct reply){3, true, 0, 1, 0});
    /* Chains of CNAME cross from zone to zone, and end with the last name's rcode. */
    check_reply(&zones, "to-lower.t", TYPE_A, (struct reply){0, true, 2, 0, 0});
    check_reply(&zones, "back.c.t", TYPE_A, (struct reply){0, true, 2, 0, 0});
    check_reply(&zones, "to-missing.t", TYPE_A, (struct reply){3, true, 1, 1, 0});
    /* A chain that leaves through a delegation ends in a referral. */
    check_reply(&zones, "to-cut.t", TYPE_A, (struct reply){0, true, 1, 1, 1});
    /* What stands below a delegation is shown in its referral only. */
    check_reply(&zones, "mx.t", TYPE_MX, (struct reply){0, true, 1, 0, 0});
    check_reply(&zones, "n.d.t", TYPE_A, (struct reply){0, false, 0, 1, 1});
    /* The parent's side of a delegation answers for DS. */
    check_reply(&zones, "d.t", TYPE_DS, (struct reply){0, true, 0, 1, 0});
    check_reply(&zones, "x.d.t", TYPE_DS, (struct reply){0, false, 0, 1, 1});
    /* A wildcard whose target it covers itself: the loop ends. */
    check_reply(&zones, "a.wild.t", TYPE_A, (struct reply){0, true, 2, 0, 0});
    /* Empty non-terminals exist. */
    check_reply(&zones, "n3.t", TYPE_A, (struct reply){0, true, 0, 1, 0});
    check_reply(&zones, "n2.n3.t", TYPE_ANY, (struct reply){0, true, 0, 1, 0});
    check_reply(&zones, "x.n3.t", TYPE_A, (struct reply){3, true, 0, 1, 0});
    check_reply(&zones, "u", TYPE_A, (struct reply){5, false, 0, 0, 0});
    zone_database_release(&zones);
}

static void test_root_zone(void)
{
    static const char *text = ". 60 SOA . . 1 2 3 4 5\n. 60 NS a.\na. 60 A 192.0.2.1\n"
                              "*. 60 TXT x\ntest. 60 NS n.test.\nn.test. 60 A 192.0.2.2\n";
    size_t length = strlen(text);
    struct zone_database zones;
    struct zone_error error = {0};
    CHECK(zone_text_build(&zones, &text, &length, 1, &error));
    check_reply(&zones, ".", TYPE_NS, (struct reply){0, true, 1, 0, 1});
    check_reply(&zones, "anything", TYPE_TXT, (struct reply){0, true, 1, 0, 0});
    check_reply(&zones, "a.a", TYPE_A, (struct reply){3, true, 0, 1, 0});
    check_reply(&zones, "www.test", TYPE_A, (struct reply){0, false, 0, 1, 1});
    zone_database_release(&zones);
}

/* Sets of every size around the limits: an answer is whole, or empty with TC. */
static void test_truncation(void)
{
    for (unsigned records = 1; records < 100; records++) {
        char text[4096] = "$ORIGIN t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n@ NS n\n";
        size_t length = strlen(text);
        for (unsigned i = 0; i < records; i++) {
            length += (size_t)snprintf(text + length, sizeof text - length, "w A 192.0.2.%u\n", i);
        }
        const char *start = text;
        struct zone_database zones;
        struct zone_error error = {0};
        CHECK(zone_text_build(&zones, &start, &length, 1, &error));
        uint8_t packet[300];
        uint8_t answer[ANSWER_TCP_CAPACITY];
        struct message_summary got;
        size_t query_length = make_query("w.t", TYPE_A, packet);
        size_t whole = query_length + (size_t)records * 16;
        size_t size = answer_query(&zones, ANSWER_UDP, packet, query_length, answer);
        CHECK(message_check(answer, size, &got) == NULL);
        CHECK(got.truncated == (whole > 512));
        CHECK(size == (got.truncated ? query_length : whole));
        size = answer_query(&zones, ANSWER_TCP, packet, query_length, answer);
        CHECK(message_check(answer, size, &got) == NULL);
        CHECK(!got.truncated && size == whole && got.counts[1] == records);
        zone_database_release(&zones);
    }
}

/* One query against a zone made of a head and lines with a number in them. */
static struct message_summary ask_generated(const char *line, unsigned lines, const char *name,
                                            uint16_t type, enum answer_transport transport)
{
    static char text[65536];
    static uint8_t answer[ANSWER_TCP_CAPACITY];
    uint8_t packet[300];
    struct message_summary got = {0};
    struct zone_database zones;
    struct zone_error error = {0};
    const char *start = text;
    size_t length = (size_t)snprintf(text, sizeof text, "%s", HEAD);
    for (unsigned i = 0; i < lines; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, line, i, i, i + 1);
    }
    CHECK_ROW(zone_text_build(&zones, &start, &length, 1, &error), line);
    size_t query_length = make_query(name, type, packet);
    size_t size = answer_query(&zones, transport, packet, query_length, answer);
    CHECK_ROW(message_check(answer, size, &got) == NULL, line);
    zone_database_release(&zones);
    return got;
}

/* Glue inside the delegated zone is needed (RFC 9471): TC when it does not fit. Addresses of
 * servers elsewhere in the zone only help. */
static void test_glue_that_does_not_fit(void)
{
    static const char inside[] = "d NS n%u.d\nn%u.d A 192.0.2.%u\n";
    static const char beside[] = "d NS n%u\nn%u A 192.0.2.%u\n";
    struct message_summary got = ask_generated(inside, 10, "x.d.t", TYPE_A, ANSWER_UDP);
    CHECK(!got.truncated && got.counts[2] == 10 && got.counts[3] == 10);
    got = ask_generated(inside, 20, "x.d.t", TYPE_A, ANSWER_UDP);
    CHECK(got.truncated && got.counts[2] == 20 && got.counts[3] < 20);
    got = ask_generated(beside, 20, "x.d.t", TYPE_A, ANSWER_UDP);
    CHECK(!got.truncated && got.counts[2] == 20 && got.counts[3] < 20);
    got = ask_generated(inside, 20, "x.d.t", TYPE_A, ANSWER_TCP);
    CHECK(!got.truncated && got.counts[2] == 20 && got.counts[3] == 20);
    got = ask_generated(inside, 60, "x.d.t", TYPE_A, ANSWER_UDP);
    CHECK(got.truncated && got.counts[2] == 0);
}

/* More names than compression remembers, and more servers than addresses are looked up for. */
static void test_many_names(void)
{
    struct message_summary got =
        ask_generated("@ MX %u m%u\nm%u A 192.0.2.1\n", 200, "t", TYPE_MX, ANSWER_TCP);
    CHECK(!got.truncated && got.counts[1] == 200 && got.counts[3] == 31);
    got = ask_generated("_s SRV %u 0 0 a%u.b%u.example.\n", 200, "_s.t", TYPE_SRV, ANSWER_TCP);
    CHECK(!got.truncated && got.counts[1] == 200 && got.counts[3] == 0);
}

/* A chain of aliases is followed for sixteen names: c0 to c15, whose records lead to c16. */
static void test_long_chain(void)
{
    static const char line[] = "x%u TXT a\nc%u CNAME c%u\n";
    struct message_summary got = ask_generated(line, 15, "c0.t", TYPE_TXT, ANSWER_TCP);
    CHECK(got.rcode == 3 && got.counts[1] == 15 && got.counts[2] == 1);
    got = ask_generated(line, 30, "c0.t", TYPE_TXT, ANSWER_TCP);
    CHECK(got.rcode == 0 && got.counts[1] == 16 && got.counts[2] == 0);
}

int main(void)
{
    test_two_zones();
    test_root_zone();
    test_truncation();
    test_glue_that_does_not_fit();
    test_many_names();
    test_long_chain();
    return check_result();
}
