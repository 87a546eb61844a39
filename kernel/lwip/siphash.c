/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for short messages. */

#include "port.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

static void rounds(struct state *s, unsigned count)
{
    while (count-- > 0) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t ub_lwip_siphash(const uint64_t key[2], const void *data, size_t size)
{
    const unsigned char *bytes = data;
    struct state s = {
        .v0 = key[0] ^ 0x736f6d6570736575ull,
        .v1 = key[1] ^ 0x646f72616e646f6dull,
        .v2 = key[0] ^ 0x6c7967656e657261ull,
        .v3 = key[1] ^ 0x7465646279746573ull,
    };
    uint64_t word;
    size_t done = 0;
    for (; done + 8 <= size; done += 8) {
        __builtin_memcpy(&word, bytes + done, 8);
        absorb(&s, word);
    }
    word = (uint64_t)size << 56;
    for (size_t i = 0; done + i < size; i++) {
        word |= (uint64_t)bytes[done + i] << (8 * i);
    }
    absorb(&s, word);
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
