/* The ChaCha20 block function (RFC 8439, 2.3). */
#ifndef UNIBUILD_CHACHA20_H
#define UNIBUILD_CHACHA20_H

#include <stdint.h>

#define UB_CHACHA20_KEY_WORDS 8
#define UB_CHACHA20_BLOCK_WORDS 16

/* One block of key stream for `key`, the 64-bit `counter`, and a nonce of zero. */
void ub_chacha20_block(const uint32_t key[UB_CHACHA20_KEY_WORDS], uint64_t counter,
                       uint32_t block[UB_CHACHA20_BLOCK_WORDS]);

#endif
