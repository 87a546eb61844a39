/*
 * Zone files near a corpus, against the parser and the builder.
 *
 *     fuzz_zone [--iterations N] [--seed N] FOLDER
 *
 * The text lies before a guard page. A zone that is taken is asked for a few names, and each answer
 * has to be well formed; one that is refused has to say where.
 */
#include "../answer.h"
#include "guarded.h"
#include "message_check.h"
#include "mutate.h"
#include "zone_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZONE_LIMIT = 16384, ITERATIONS = 60000 };

static const uint8_t dictionary[] = {'(', ')', '"', ';', '\\', '\n', ' ', '\t', '\r', '.', '@',
                                     '*', '$', '#', '0', '9',  '2',  '5', 'A',  'N',  'S', 'a',
                                     ':', '-', '_', 0,   0xFF, 'w',  'h', 'I',  'T',  'M', 'X'};

static const uint16_t types[] = {1, 2, 5, 6, 15, 16, 28, 33, 255, 257};

/* The question for one name of the tree, as a packet; its length. */
static size_t make_query(const struct zone_database *zones, uint32_t name, uint16_t type,
                         uint8_t *packet)
{
    static const uint8_t header[12] = {1, 2, 1, 0, 0, 1};
    size_t at = sizeof header;
    memcpy(packet, header, sizeof header);
    for (; name != NAME_ROOT; name = zone_parent(zones, name)) {
        const uint8_t *label = name_tree_label(&zones->names, name);
        memcpy(packet + at, label, (size_t)label[0] + 1);
        at += (size_t)label[0] + 1;
    }
    packet[at] = 0;
    wire_store16(packet + at + 1, type);
    wire_store16(packet + at + 3, 1);
    return at + 5;
}

static const char *ask(const struct zone_database *zones, struct mutate_random *random)
{
    static uint8_t answer[ANSWER_TCP_CAPACITY];
    uint8_t packet[300];
    struct message_summary summary;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t name = (uint32_t)mutate_below(random, name_tree_count(&zones->names));
        uint16_t type = types[mutate_below(random, sizeof types / sizeof types[0])];
        size_t length = make_query(zones, name, type, packet);
        enum answer_transport transport = i % 2 == 0 ? ANSWER_UDP : ANSWER_TCP;
        size_t size = answer_query(zones, transport, packet, length, answer);
        const char *wrong = message_check(answer, size, &summary);
        if (wrong != NULL) {
            return wrong;
        }
        if (transport == ANSWER_UDP && size > 512) {
            return "longer than 512 octets without EDNS";
        }
    }
    return NULL;
}

/* Reads the text at the guard page. Returns what is wrong with the server, or NULL. */
static const char *try_zone(const struct guarded *memory, const uint8_t *text, size_t length,
                            struct mutate_random *random, unsigned long *taken)
{
    struct zone_database zones;
    struct zone_error error = {0};
    const char *start = (const char *)memory->end - length;
    memcpy(memory->end - length, text, length);
    if (!zone_text_build(&zones, &start, &length, 1, &error)) {
        return error.message != NULL && error.place.line != 0 && error.place.column != 0
                   ? NULL
                   : "an error without its place";
    }
    (*taken)++;
    const char *wrong = ask(&zones, random);
    zone_database_release(&zones);
    return wrong;
}

int main(int count, char **arguments)
{
    static struct corpus corpus;
    static uint8_t text[ZONE_LIMIT];
    struct mutate_random random = {1};
    unsigned long iterations = ITERATIONS;
    unsigned long taken = 0;
    int at = 1;
    for (; at + 1 < count && arguments[at][0] == '-'; at += 2) {
        unsigned long number = strtoul(arguments[at + 1], NULL, 10);
        if (strcmp(arguments[at], "--iterations") == 0) {
            iterations = number;
        } else {
            random.state = number;
        }
    }
    if (count - at != 1) {
        return 2;
    }
    corpus_read(&corpus, arguments[at]);
    struct guarded memory = guarded_create(ZONE_LIMIT);
    for (unsigned long i = 0; i < iterations + corpus.count; i++) {
        size_t length = 0;
        if (i < corpus.count) {
            length = corpus.entries[i].length < ZONE_LIMIT ? corpus.entries[i].length : ZONE_LIMIT;
            memcpy(text, corpus.entries[i].octets, length);
        } else {
            length =
                mutate_entry(&random, &corpus, text, sizeof text, dictionary, sizeof dictionary);
        }
        const char *wrong = try_zone(&memory, text, length, &random, &taken);
        if (wrong != NULL) {
            (void)fprintf(stderr, "iteration %lu: %s; the zone:\n%.*s\n", i, wrong, (int)length,
                          (const char *)text);
            return 1;
        }
    }
    (void)printf("%lu zones, %lu taken\n", iterations + corpus.count, taken);
    return 0;
}
