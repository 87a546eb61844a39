/* The packet parser: every numbered check of query.c with a packet that only it refuses. */
#include "../query.h"
#include "check.h"

#include <string.h>

#define ONE "\0\1\0\0\0\0\0\0"
#define WITH_OPT "\0\1\0\0\0\0\0\1"
#define ID "\x12\x34"
#define NAME "\3www\1t\0"
#define QUESTION NAME "\0\1\0\1"
#define OPT(data) "\0\0\x29\x10\0\0\0\x80\0" data

#define ROW(packet, status) {packet, sizeof packet - 1, status, #packet}

static const struct {
    const char *packet;
    size_t length;
    enum query_status status;
    const char *text;
} rows[] = {
    ROW(ID "\1\0" ONE QUESTION, QUERY_VALID),
    ROW(ID "\1\0" ONE "\0\0\1\0\1", QUERY_VALID),
    ROW(ID "\1\0" WITH_OPT QUESTION OPT("\0\0"), QUERY_VALID),
    ROW(ID "\1\0" WITH_OPT QUESTION OPT("\0\x0c\0\x0a\0\x08"
                                        "12345678"),
        QUERY_VALID),
    ROW(ID "\1\0"
           "\0\1\0\0\0\0\0\2" QUESTION "\1x\0\0\1\0\1\0\0\0\0\0\0" OPT("\0\0"),
        QUERY_VALID),
    ROW(ID "\1\0" WITH_OPT QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd", QUERY_VALID),
    /* 1 */ ROW("", QUERY_IGNORE),
    /* 1 */ ROW(ID "\1\0\0\1\0\0\0\0\0", QUERY_IGNORE),
    /* 2 */ ROW(ID "\x81\0" ONE QUESTION, QUERY_IGNORE),
    /* 3 */ ROW(ID "\x28\0" ONE QUESTION, QUERY_UNKNOWN_OPCODE),
    /* 4 */ ROW(ID "\1\0\0\0\0\0\0\0\0\0", QUERY_MALFORMED),
    /* 4 */ ROW(ID "\1\0\0\2\0\0\0\0\0\0" QUESTION QUESTION, QUERY_MALFORMED),
    /* 5 */ ROW(ID "\1\0" ONE "\3ww", QUERY_MALFORMED),
    /* 5 */ ROW(ID "\1\0" ONE "\3www", QUERY_MALFORMED),
    /* 5 */ ROW(ID "\1\0" ONE "\xc0\x0c\0\1\0\1", QUERY_MALFORMED),
    /* 5 */ ROW(ID "\1\0" ONE "\x43www\0\0\1\0\1", QUERY_MALFORMED),
    /* 8 */ ROW(ID "\1\0" ONE NAME "\0\1\0", QUERY_MALFORMED),
    /* 8 */ ROW(ID "\1\0" ONE NAME, QUERY_MALFORMED),
    /* 9 */ ROW(ID "\1\0\0\1\0\1\0\0\0\0" QUESTION, QUERY_MALFORMED),
    /* 9 */ ROW(ID "\1\0\0\1\0\0\0\1\0\0" QUESTION, QUERY_MALFORMED),
    /* 9 */ ROW(ID "\1\0\0\1\0\0\0\1\0\0" NAME "\0\xfb\0\1rest", QUERY_VALID),
    /* 10 */ ROW(ID "\1\0\0\1\0\0\0\0\xff\xff" QUESTION OPT("\0\0"), QUERY_MALFORMED),
    /* 11 */ ROW(ID "\1\0" WITH_OPT QUESTION, QUERY_MALFORMED),
    /* 11 */ ROW(ID "\1\0" WITH_OPT QUESTION "\0\0\x29\x10\0\0\0\0\0\0", QUERY_MALFORMED),
    /* 11 */ ROW(ID "\1\0" WITH_OPT QUESTION OPT("\0\1"), QUERY_MALFORMED),
    /* 11 */ ROW(ID "\1\0" WITH_OPT QUESTION "\xc0", QUERY_MALFORMED),
    /* 11 */ ROW(ID "\1\0" WITH_OPT QUESTION "\x80\0\0\1\0\1\0\0\0\0\0\0", QUERY_MALFORMED),
    /* 12 */ ROW(ID "\1\0\0\1\0\0\0\0\0\2" QUESTION OPT("\0\0") OPT("\0\0"), QUERY_MALFORMED),
    /* 12 */ ROW(ID "\1\0" WITH_OPT QUESTION "\1x" OPT("\0\0"), QUERY_MALFORMED),
    /* 13 */ ROW(ID "\1\0" WITH_OPT QUESTION OPT("\0\3\0\x0a\0"), QUERY_MALFORMED),
    /* 13 */ ROW(ID "\1\0" WITH_OPT QUESTION OPT("\0\5\0\x0a\0\2x"), QUERY_MALFORMED),
    /* 14 */ ROW(ID "\1\0" ONE QUESTION "x", QUERY_MALFORMED),
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct query query;
        const uint8_t *packet = (const uint8_t *)rows[i].packet;
        CHECK_ROW(query_parse(packet, rows[i].length, &query) == rows[i].status, rows[i].text);
    }
}

static void test_fields(void)
{
    static const char packet[] = ID "\1\x10" WITH_OPT QUESTION OPT("\0\0");
    struct query query;
    CHECK(query_parse((const uint8_t *)packet, sizeof packet - 1, &query) == QUERY_VALID);
    CHECK(query.flags == 0x0110 && query.type == TYPE_A && query.class == CLASS_IN);
    CHECK(query.question_end == 12 + 7 + 4 && query.label_count == 2);
    CHECK(query.labels[0] == 0 && query.labels[1] == 4);
    CHECK(query.has_edns && query.udp_limit == 4096 && query.dnssec_ok && query.edns_version == 0);
}

/* Checks 6 and 7: the longest name, and one octet or label more. */
static void test_limits(void)
{
    for (unsigned size = 1; size <= 63; size++) {
        for (unsigned last = 0; last <= 63; last++) {
            uint8_t packet[12 + 320 + 4] = {0x12, 0x34, 1, 0, 0, 1};
            size_t at = 12;
            while (at - 12 + size + 1 + last + 1 + 1 <= 256) {
                packet[at] = (uint8_t)size;
                at += size + 1;
            }
            if (last != 0) {
                packet[at] = (uint8_t)last;
                at += last + 1;
            }
            at++;
            size_t name = at - 12;
            struct query query;
            bool valid = query_parse(packet, at + 4, &query) == QUERY_VALID;
            CHECK(valid == (name <= 255));
            CHECK(!valid || query.label_count <= 127);
        }
    }
}

int main(void)
{
    test_rows();
    test_fields();
    test_limits();
    return check_result();
}
