/*
 * RDSEED and RDRAND (Intel SDM vol. 1, 7.3.17). Both may fail for a moment, so each word is tried a
 * bounded number of times; RDRAND is asked too when RDSEED runs dry. A generator that gives the
 * same word twice in a row is broken (known of some processors after suspend) and counts as absent.
 */
#include "processor.h"

#include <unibuild/registers.h>

#include <stdbool.h>
#include <string.h>

#define TRIES 16

static bool random_seed(uint64_t *word)
{
    bool valid;
    __asm__ volatile("rdseed %0" : "=r"(*word), "=@ccc"(valid) : : "cc");
    return valid;
}

static bool random_word(uint64_t *word)
{
    bool valid;
    __asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(valid) : : "cc");
    return valid;
}

static bool try_often(bool (*draw)(uint64_t *), uint64_t *word)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (draw(word)) {
            return true;
        }
        __asm__ volatile("pause");
    }
    return false;
}

/* Set by the first read, at boot: asking CPUID is slow under a hypervisor. */
static bool has_random;

static size_t read_processor(void *buffer, size_t count)
{
    bool has_seed = ub_cpuid(0, 0).eax >= 7 && (ub_cpuid(7, 0).ebx & UB_CPUID7_EBX_RDSEED) != 0;
    has_random = (ub_cpuid(1, 0).ecx & UB_CPUID1_ECX_RDRAND) != 0;
    uint64_t last = 0;
    size_t filled = 0;
    while (filled < count) {
        uint64_t word;
        if (!(has_seed && try_often(random_seed, &word)) &&
            !(has_random && try_often(random_word, &word))) {
            break;
        }
        if (word == last) {
            return 0;
        }
        last = word;
        size_t piece = count - filled < sizeof word ? count - filled : sizeof word;
        memcpy((char *)buffer + filled, &word, piece);
        filled += piece;
    }
    return filled;
}

uint64_t ub_processor_word(void)
{
    uint64_t word = 0;
    return has_random && try_often(random_word, &word) ? word : 0;
}

const struct ub_entropy_source ub_processor_entropy = {
    .name = "processor",
    .read = read_processor,
};
