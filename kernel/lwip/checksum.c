/*
 * The Internet checksum (RFC 1071) for lwIP: the one's complement sum of 16-bit words in memory
 * order. Eight bytes a step; carries are folded at the end.
 */
#include <stdint.h>

#include "arch/cc.h"

static inline uint64_t add_with_carry(uint64_t sum, uint64_t value)
{
    sum += value;
    return sum + (sum < value);
}

uint16_t ub_lwip_checksum(const void *data, int length)
{
    const unsigned char *bytes = data;
    uint64_t sum = 0;
    uint64_t word;
    for (; length >= 8; length -= 8, bytes += 8) {
        __builtin_memcpy(&word, bytes, 8);
        sum = add_with_carry(sum, word);
    }
    if (length > 0) {
        word = 0;
        for (int i = 0; i < length; i++) {
            word |= (uint64_t)bytes[i] << (8 * i);
        }
        sum = add_with_carry(sum, word);
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
