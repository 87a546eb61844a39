/* The processor's own source of entropy: RDSEED where it has it, else RDRAND. */
#ifndef UNIBUILD_RANDOM_PROCESSOR_H
#define UNIBUILD_RANDOM_PROCESSOR_H

#include <unibuild/random.h>

extern const struct ub_entropy_source ub_processor_entropy;

#endif
