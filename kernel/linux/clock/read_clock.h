/*
 * Programs read the clock in the vDSO where they can. Whatever gives them the time has the vDSO
 * linked by this line.
 */
#ifndef UNIBUILD_READ_CLOCK_H
#define UNIBUILD_READ_CLOCK_H

#include <stdint.h>

#include <unibuild/loader.h>

static uint64_t (*const vdso)(void) __attribute__((used, retain)) = ub_vdso_map;

#endif
