/*
 * Packets near a corpus of real and broken ones, against the answering code.
 *
 *     fuzz_packet [--iterations N] [--seed N] ZONE FOLDER
 *
 * Query and response lie before guard pages, so that one octet read or written too far ends the
 * program. Every answer is read by message_check.c and held against the query.
 */
#include "../answer.h"
#include "guarded.h"
#include "message_check.h"
#include "mutate.h"
#include "zone_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET_LIMIT = 1400, HEADER = 12, ITERATIONS = 3000000 };

/* Label lengths at their limits, pointers, types and classes, flags. */
static const uint8_t dictionary[] = {0,   1,   2,    5,    6,    12,   15,   28,   33,   41,
                                     63,  64,  0x80, 0xC0, 0xC1, 0xFF, 250,  251,  252,  255,
                                     '*', 'a', 'W',  0x01, 0x10, 0x78, 0x04, 0x29, 0x0C, 0x1D};

struct fuzz {
    struct zone_database zones;
    struct guarded query;
    struct guarded udp;
    struct guarded tcp;
    unsigned long answered;
    unsigned long rcodes[24];
};

static const char *check_answer(const uint8_t *query, size_t length, const uint8_t *answer,
                                size_t size, size_t limit, unsigned *rcode)
{
    struct message_summary summary;
    if (length < HEADER || (query[2] & 0x80) != 0) {
        return size == 0 ? NULL : "an answer where silence is right";
    }
    if (size == 0) {
        return "silence where an answer is right";
    }
    if (size > limit) {
        return "longer than the buffer";
    }
    const char *wrong = message_check(answer, size, &summary);
    if (wrong != NULL) {
        return wrong;
    }
    *rcode = summary.rcode;
    if (memcmp(query, answer, 2) != 0) {
        return "another identifier";
    }
    if ((answer[2] & 0x80) == 0) {
        return "the answer is marked as a query";
    }
    if (((query[2] ^ answer[2]) & 0x79) != 0) {
        return "another opcode or RD";
    }
    if ((answer[3] & 0xE0) != 0) {
        return "RA, AD or a reserved bit is set";
    }
    if (summary.counts[0] > 1 ||
        (summary.counts[0] == 1 &&
         (length < summary.question_end ||
          memcmp(query + HEADER, answer + HEADER, summary.question_end - HEADER) != 0))) {
        return "another question";
    }
    if (limit == ANSWER_UDP_CAPACITY && !summary.has_opt && size > 512) {
        return "longer than 512 octets without EDNS";
    }
    return NULL;
}

/* Answers one packet over both transports and in place. Returns what is wrong, or NULL. */
static const char *try_packet(struct fuzz *fuzz, const uint8_t *packet, size_t length)
{
    uint8_t *query = fuzz->query.end - length;
    uint8_t *udp = fuzz->udp.end - ANSWER_UDP_CAPACITY;
    uint8_t *tcp = fuzz->tcp.end - ANSWER_TCP_CAPACITY;
    unsigned rcode = 0;
    memcpy(query, packet, length);
    size_t size = answer_query(&fuzz->zones, ANSWER_UDP, query, length, udp);
    if (memcmp(query, packet, length) != 0) {
        return "the query was changed";
    }
    const char *wrong = check_answer(query, length, udp, size, ANSWER_UDP_CAPACITY, &rcode);
    if (wrong != NULL) {
        return wrong;
    }
    fuzz->answered += size != 0;
    fuzz->rcodes[rcode < 24 ? rcode : 23] += size != 0;
    size_t tcp_size = answer_query(&fuzz->zones, ANSWER_TCP, query, length, tcp);
    wrong = check_answer(query, length, tcp, tcp_size, ANSWER_TCP_CAPACITY, &rcode);
    if (wrong != NULL) {
        return wrong;
    }
    if (tcp_size < size || (size != 0 && (tcp[2] & 2) != 0)) {
        return "truncated over TCP";
    }
    if (length <= ANSWER_UDP_CAPACITY) {
        /* In place: the buffer starts with the query and has the capacity of an answer. */
        uint8_t *place = fuzz->tcp.end - ANSWER_UDP_CAPACITY;
        memcpy(place, packet, length);
        size_t again = answer_query(&fuzz->zones, ANSWER_UDP, place, length, place);
        if (again != size || (size != 0 && memcmp(place, udp, size) != 0)) {
            return "another answer in place";
        }
    }
    return NULL;
}

static int fail(const char *wrong, const uint8_t *packet, size_t length, unsigned long number)
{
    (void)fprintf(stderr, "iteration %lu: %s; the packet:\n", number, wrong);
    for (size_t i = 0; i < length; i++) {
        (void)fprintf(stderr, "%02x", packet[i]);
    }
    (void)fprintf(stderr, "\n");
    return 1;
}

static bool read_zone(struct fuzz *fuzz, const char *path)
{
    struct zone_error error = {0};
    size_t length = 0;
    char *text = zone_text_read(path, &length);
    const char *const texts[] = {text};
    bool done = text != NULL && zone_text_build(&fuzz->zones, texts, &length, 1, &error);
    if (!done) {
        (void)fprintf(stderr, "%s: no zone\n", path);
    }
    free(text);
    return done;
}

int main(int count, char **arguments)
{
    static struct fuzz fuzz;
    static struct corpus corpus;
    static uint8_t packet[PACKET_LIMIT];
    struct mutate_random random = {1};
    unsigned long iterations = ITERATIONS;
    int at = 1;
    for (; at + 1 < count && arguments[at][0] == '-'; at += 2) {
        unsigned long number = strtoul(arguments[at + 1], NULL, 10);
        if (strcmp(arguments[at], "--iterations") == 0) {
            iterations = number;
        } else {
            random.state = number;
        }
    }
    if (count - at != 2 || !read_zone(&fuzz, arguments[at])) {
        return 2;
    }
    corpus_read(&corpus, arguments[at + 1]);
    fuzz.query = guarded_create(PACKET_LIMIT);
    fuzz.udp = guarded_create(ANSWER_UDP_CAPACITY);
    fuzz.tcp = guarded_create(ANSWER_TCP_CAPACITY);
    for (unsigned i = 0; i < corpus.count; i++) {
        size_t length = corpus.entries[i].length;
        length = length < PACKET_LIMIT ? length : PACKET_LIMIT;
        const char *wrong = try_packet(&fuzz, corpus.entries[i].octets, length);
        if (wrong != NULL) {
            (void)fprintf(stderr, "%s: ", corpus.entries[i].path);
            return fail(wrong, corpus.entries[i].octets, length, 0);
        }
    }
    for (unsigned long i = 1; i <= iterations; i++) {
        size_t length =
            mutate_entry(&random, &corpus, packet, sizeof packet, dictionary, sizeof dictionary);
        const char *wrong = try_packet(&fuzz, packet, length);
        if (wrong != NULL) {
            return fail(wrong, packet, length, i);
        }
    }
    (void)printf("%lu packets, %lu answered:", iterations + corpus.count, fuzz.answered);
    for (unsigned i = 0; i < 24; i++) {
        if (fuzz.rcodes[i] != 0) {
            (void)printf(" rcode %u %lu", i, fuzz.rcodes[i]);
        }
    }
    (void)printf("\n");
    return 0;
}
