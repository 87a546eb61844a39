/*
 * What a program finds on its stack when it begins, as the System V ABI and Linux lay it out: argc,
 * argv, NULL, environment, NULL, auxiliary vector, and above them the strings.
 *
 * Arguments and environment are the image's; words of the monitor's command line replace the
 * arguments after the first (see <unibuild/image.h>). The block is written where the kernel can
 * reach it, with the addresses that it has where the program finds it.
 */
#ifndef UNIBUILD_FIRST_STACK_H
#define UNIBUILD_FIRST_STACK_H

#include <stddef.h>
#include <stdint.h>

/* NUL-terminated strings, one after the other. */
struct ub_strings {
    const char *bytes;
    size_t length;
};

struct ub_first_stack {
    struct ub_strings arguments, given, environment;
    size_t count; /* of arguments, given ones included */
    size_t words; /* before the strings begin */
    size_t size;  /* of the whole block in bytes, a multiple of 16 */
};

struct ub_auxiliary {
    uint64_t type, value;
};
/* At most so many may be added to those that every program gets. */
#define UB_AUXILIARY_MAXIMUM 24
#define UB_STACK_RANDOM_WORDS 2

/*
 * Finds the strings and how much room the block takes. Splits the command line in place, so once.
 * Panics when the strings take more than 64 KiB or 4096 words.
 */
void ub_first_stack_gather(struct ub_first_stack *stack);

/*
 * Writes `stack->size` bytes to `to`, for a program that finds them at `at` (both multiples of 16),
 * which is its first stack pointer. `count` entries (at most UB_AUXILIARY_MAXIMUM) come before
 * AT_PAGESZ, AT_CLKTCK, AT_RANDOM (which leads to a copy of `random`), AT_EXECFN and AT_PLATFORM.
 */
void ub_first_stack_write(const struct ub_first_stack *stack, void *to, uint64_t at,
                          const struct ub_auxiliary *auxiliary, size_t count,
                          const uint64_t random[UB_STACK_RANDOM_WORDS]);

#endif
