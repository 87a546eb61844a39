/* What lwIP asks of the compiler and the platform. */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Keeps lwIP from a ssize_t of its own. */
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif

#define LWIP_NO_INTTYPES_H 1
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#ifndef BYTE_ORDER
#define BYTE_ORDER LITTLE_ENDIAN
#endif
#define lwip_htons(x) ((u16_t)__builtin_bswap16((u16_t)(x)))
#define lwip_htonl(x) ((u32_t)__builtin_bswap32((u32_t)(x)))

/* A broken invariant inside lwIP ends the image; the trap's address tells which one. */
#define LWIP_PLATFORM_DIAG(arguments)
#define LWIP_PLATFORM_ASSERT(message) __builtin_trap()

#define LWIP_RAND() ub_lwip_random()

/* Copies of known size are a few instructions, also where the compiler takes memcpy for any
 * function. */
#define MEMCPY(to, from, size) __builtin_memcpy(to, from, size)
#define SMEMCPY(to, from, size) __builtin_memcpy(to, from, size)

uint32_t ub_lwip_random(void);
uint16_t ub_lwip_checksum(const void *data, int length);
void *ub_lwip_allocate(size_t size);
void *ub_lwip_allocate_zeroed(size_t count, size_t size);
void ub_lwip_free(void *memory);
/* Half of the memory for packets is in use. */
bool ub_lwip_memory_scarce(void);

#endif
