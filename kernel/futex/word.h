/*
 * The word that a futex is. A program in ring 3 has it behind ub_user_load32, which only images of
 * such programs hold; everywhere else it is memory like any other.
 */
#ifndef UNIBUILD_FUTEX_WORD_H
#define UNIBUILD_FUTEX_WORD_H

#include <stdbool.h>
#include <stdint.h>

#pragma weak ub_user_load32
bool ub_user_load32(uint64_t from, uint32_t *value);

/* False when there is no such word. */
static inline bool load_word(const uint32_t *address, uint32_t *value)
{
    if (ub_user_load32 != NULL) {
        return ub_user_load32((uint64_t)address, value);
    }
    *value = __atomic_load_n(address, __ATOMIC_SEQ_CST);
    return true;
}

#endif
