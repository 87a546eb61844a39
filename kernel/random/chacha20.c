#include "chacha20.h"

#include <string.h>

#define DOUBLE_ROUNDS 10

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

void ub_chacha20_block(const uint32_t key[UB_CHACHA20_KEY_WORDS], uint64_t counter,
                       uint32_t block[UB_CHACHA20_BLOCK_WORDS])
{
    const uint32_t initial[UB_CHACHA20_BLOCK_WORDS] = {
        0x61707865,
        0x3320646e,
        0x79622d32,
        0x6b206574,
        key[0],
        key[1],
        key[2],
        key[3],
        key[4],
        key[5],
        key[6],
        key[7],
        (uint32_t)counter,
        (uint32_t)(counter >> 32),
        0,
        0,
    };
    memcpy(block, initial, sizeof initial);
    for (unsigned i = 0; i < 2 * DOUBLE_ROUNDS; i++) {
        /* Columns and diagonals in turn: a diagonal's rows begin one, two, three further on. */
        unsigned shift = i % 2;
        for (unsigned j = 0; j < 4; j++) {
            quarter_round(block, j, 4 + (j + shift) % 4, 8 + (j + 2 * shift) % 4,
                          12 + (j + 3 * shift) % 4);
        }
    }
    for (unsigned i = 0; i < UB_CHACHA20_BLOCK_WORDS; i++) {
        block[i] += initial[i];
    }
}
