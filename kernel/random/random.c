/*
 * The generator. Fast key erasure: each block of key stream first replaces the key, and only then
 * is the rest handed out and wiped, so that what was given out earlier cannot be computed from the
 * state found later. Each new key also takes in the time stamp and a word of the processor's own
 * generator: two machines that go on from one snapshot differ from the next block on.
 */
#include "chacha20.h"
#include "processor.h"

#include <unibuild/image.h>
#include <unibuild/layout.h>
#include <unibuild/lock.h>
#include <unibuild/panic.h>
#include <unibuild/random.h>
#include <unibuild/registers.h>

#include <string.h>

#define KEY_BYTES 32UL
#define GIVEN_BYTES 32UL
#define EXIT_CONFIGURATION 78 /* EX_CONFIG of sysexits.h */

static struct ub_lock lock = UB_LOCK_INITIAL;
static struct {
    uint32_t key[UB_CHACHA20_KEY_WORDS];
    /* What is left of the last block; taken from the end. */
    uint8_t left[GIVEN_BYTES];
    size_t left_count;
} state;

static void next_block(void)
{
    uint32_t block[UB_CHACHA20_BLOCK_WORDS];
    ub_chacha20_block(state.key, 0, block);
    memcpy(state.key, block, KEY_BYTES);
    uint64_t fresh[2] = {ub_time_stamp(), ub_processor_word()};
    for (size_t i = 0; i < sizeof fresh; i++) {
        ((uint8_t *)state.key)[i] ^= ((const uint8_t *)fresh)[i];
    }
    memcpy(state.left, block + UB_CHACHA20_KEY_WORDS, GIVEN_BYTES);
    state.left_count = GIVEN_BYTES;
    explicit_bzero(fresh, sizeof fresh);
    explicit_bzero(block, sizeof block);
}

/* Mixes a seed into the key: the old key's key stream, changed by the seed, becomes the key. */
static void mix(const uint8_t seed[KEY_BYTES])
{
    uint8_t *key = (uint8_t *)state.key;
    next_block();
    for (size_t i = 0; i < KEY_BYTES; i++) {
        key[i] ^= seed[i];
    }
    next_block();
}

static bool seed_from(const struct ub_entropy_source *source)
{
    uint8_t seed[KEY_BYTES];
    size_t filled = 0;
    while (filled < sizeof seed) {
        size_t count = source->read(seed + filled, sizeof seed - filled);
        if (count == 0) {
            return false;
        }
        filled += count;
    }
    mix(seed);
    explicit_bzero(seed, sizeof seed);
    return true;
}

void ub_random_initialize(void)
{
    bool seeded = seed_from(&ub_processor_entropy);
    for (const struct ub_entropy_source *const *at = ub_entropy_start; at < ub_entropy_end; at++) {
        seeded |= seed_from(*at);
    }
    if (!seeded) {
        ub_print("unibuild: no source of entropy: this processor has neither RDSEED nor RDRAND");
        for (const struct ub_entropy_source *const *at = ub_entropy_start; at < ub_entropy_end;
             at++) {
            ub_print(", and there is no %s", (*at)->name);
        }
        ub_print(". Refusing to start. (QEMU: -cpu max, or -device virtio-rng-device)\n");
        ub_image_exit(EXIT_CONFIGURATION);
    }
}

void ub_random_bytes(void *buffer, size_t count)
{
    uint8_t *to = buffer;
    unsigned long flags = ub_lock_acquire(&lock);
    while (count > 0) {
        if (state.left_count == 0) {
            next_block();
        }
        size_t piece = count < state.left_count ? count : state.left_count;
        uint8_t *from = state.left + state.left_count - piece;
        memcpy(to, from, piece);
        explicit_bzero(from, piece);
        state.left_count -= piece;
        to += piece;
        count -= piece;
    }
    ub_lock_release(&lock, flags);
}

uint64_t ub_random_u64(void)
{
    uint64_t value;
    ub_random_bytes(&value, sizeof value);
    return value;
}
