/* What probes that try things at random share: the same numbers for the same seed, and raw calls.
 */
#ifndef TESTS_LINUX_PROBES_DRAW_H
#define TESTS_LINUX_PROBES_DRAW_H

#include <stdint.h>

/* xorshift64*: the next of the numbers that begin with `*state`, which is not 0. */
static inline uint64_t draw_from(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dUL;
}

/* System call `number` with the six arguments `a`, past the C library. */
static inline long call_with(unsigned number, const uint64_t *a)
{
    long result;
    register uint64_t r10 __asm__("r10") = a[3];
    register uint64_t r8 __asm__("r8") = a[4];
    register uint64_t r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((uint64_t)number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
