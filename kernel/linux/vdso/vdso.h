/* The vDSO's file as the image has it, and what the kernel fills in. */
#ifndef UNIBUILD_VDSO_H
#define UNIBUILD_VDSO_H

#include <stdint.h>

/* Less than a page, to be copied where it runs. */
extern const char ub_vdso_file[], ub_vdso_file_end[];

/* Nanoseconds since boot are (counter - start) * scale >> 32; since 1970 they are `epoch` more. */
struct ub_vdso_clock {
    uint64_t start, scale, epoch;
};
/* Where in the file it goes. */
extern const char ub_vdso_clock_place[];

#endif
