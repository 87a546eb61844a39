/*
 * Inputs near a corpus, the same ones for the same seed: no fuzzing library, no clock, no disorder.
 */
#ifndef DNS_TESTS_MUTATE_H
#define DNS_TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>

struct mutate_random {
    uint64_t state;
};

/* SplitMix64. */
uint64_t mutate_next(struct mutate_random *random);

/* A number below `limit`, which is not 0. */
size_t mutate_below(struct mutate_random *random, size_t limit);

enum { CORPUS_LIMIT = 128 };

struct corpus_entry {
    uint8_t *octets;
    size_t length;
    char path[512];
};

struct corpus {
    unsigned count;
    struct corpus_entry entries[CORPUS_LIMIT];
};

/* Reads the files of a folder in the order of their names. Ends the program with status 2 when one
 * cannot be read or there is none. */
void corpus_read(struct corpus *corpus, const char *folder);

/* Writes a changed copy of a corpus entry into `out`, at most `limit` octets; returns its length.
 * `dictionary` holds `words` numbers that mean something in the format. */
size_t mutate_entry(struct mutate_random *random, const struct corpus *corpus, uint8_t *out,
                    size_t limit, const uint8_t *dictionary, size_t words);

#endif
