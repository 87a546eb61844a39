#include "mutate.h"

#include "zone_text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t mutate_next(struct mutate_random *random)
{
    uint64_t mixed = (random->state += 0x9E3779B97F4A7C15U);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
}

size_t mutate_below(struct mutate_random *random, size_t limit)
{
    return (size_t)(mutate_next(random) % limit);
}

static _Noreturn void give_up(const char *path)
{
    (void)fprintf(stderr, "cannot read %s\n", path);
    exit(2);
}

void corpus_read(struct corpus *corpus, const char *folder)
{
    struct dirent **found = NULL;
    int count = scandir(folder, &found, NULL, alphasort);
    corpus->count = 0;
    for (int i = 0; i < count; i++) {
        if (found[i]->d_name[0] != '.' && corpus->count < CORPUS_LIMIT) {
            struct corpus_entry *entry = &corpus->entries[corpus->count++];
            (void)snprintf(entry->path, sizeof entry->path, "%s/%s", folder, found[i]->d_name);
            entry->octets = (uint8_t *)zone_text_read(entry->path, &entry->length);
            if (entry->octets == NULL) {
                give_up(entry->path);
            }
        }
        free(found[i]);
    }
    free(found);
    if (corpus->count == 0) {
        give_up(folder);
    }
}

static size_t insert(struct mutate_random *random, uint8_t *out, size_t length, size_t limit,
                     uint8_t octet)
{
    if (length == limit) {
        return length;
    }
    size_t at = mutate_below(random, length + 1);
    memmove(out + at + 1, out + at, length - at);
    out[at] = octet;
    return length + 1;
}

static size_t erase(struct mutate_random *random, uint8_t *out, size_t length)
{
    size_t at = mutate_below(random, length);
    size_t count = 1 + mutate_below(random, length - at < 8 ? length - at : 8);
    memmove(out + at, out + at + count, length - at - count);
    return length - count;
}

/* Copies a piece of another entry over or behind what is there. */
static size_t splice(struct mutate_random *random, const struct corpus *corpus, uint8_t *out,
                     size_t length, size_t limit)
{
    size_t other = mutate_below(random, corpus->count);
    size_t size = corpus->entries[other].length;
    if (size == 0) {
        return length;
    }
    size_t from = mutate_below(random, size);
    size_t count = 1 + mutate_below(random, size - from);
    size_t at = mutate_below(random, length + 1);
    count = count < limit - at ? count : limit - at;
    memcpy(out + at, corpus->entries[other].octets + from, count);
    return at + count > length ? at + count : length;
}

size_t mutate_entry(struct mutate_random *random, const struct corpus *corpus, uint8_t *out,
                    size_t limit, const uint8_t *dictionary, size_t words)
{
    size_t chosen = mutate_below(random, corpus->count);
    size_t length = corpus->entries[chosen].length;
    length = length < limit ? length : limit;
    memcpy(out, corpus->entries[chosen].octets, length);
    for (size_t changes = mutate_below(random, 6); changes != 0; changes--) {
        uint8_t word = dictionary[mutate_below(random, words)];
        switch (length == 0 ? 2 : mutate_below(random, 8)) {
        case 0:
            out[mutate_below(random, length)] = (uint8_t)mutate_next(random);
            break;
        case 1:
            out[mutate_below(random, length)] ^= (uint8_t)(1U << mutate_below(random, 8));
            break;
        case 2:
            length = insert(random, out, length, limit, word);
            break;
        case 3:
            length = erase(random, out, length);
            break;
        case 4:
            length = mutate_below(random, length + 1);
            break;
        case 5:
            length = splice(random, corpus, out, length, limit);
            break;
        default:
            out[mutate_below(random, length)] = word;
            break;
        }
    }
    return length;
}
