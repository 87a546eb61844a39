/* The processor's own source of entropy: RDSEED where it has it, else RDRAND. */
#ifndef UNIBUILD_RANDOM_PROCESSOR_H
#define UNIBUILD_RANDOM_PROCESSOR_H

#include <unibuild/random.h>

#include <stdint.h>

extern const struct ub_entropy_source ub_processor_entropy;

/* One word of RDRAND, for mixing into a generator that is seeded: 0 where there is none. */
uint64_t ub_processor_word(void);

#endif
