/* What the files of this port share. */
#ifndef UNIBUILD_LWIP_PORT_H
#define UNIBUILD_LWIP_PORT_H

#include <stddef.h>
#include <stdint.h>

uint16_t ub_lwip_random16(void);

/* SipHash-2-4 (Aumasson and Bernstein, 2012) of `size` bytes under a 128-bit key. */
uint64_t ub_lwip_siphash(const uint64_t key[2], const void *data, size_t size);

#endif
