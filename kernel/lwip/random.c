/*
 * Random numbers for lwIP, drawn ahead in batches: one run of the generator serves many packets.
 * Used values are overwritten. Called under the network lock.
 */
#include <stdint.h>

#include <unibuild/random.h>

#include "arch/cc.h"
#include "port.h"

#define BATCH 128u

static uint16_t batch[BATCH];
static unsigned remaining;

uint16_t ub_lwip_random16(void)
{
    if (remaining == 0) {
        ub_random_bytes(batch, sizeof batch);
        remaining = BATCH;
    }
    uint16_t value = batch[--remaining];
    batch[remaining] = 0;
    return value;
}

uint32_t ub_lwip_random(void)
{
    return (uint32_t)ub_lwip_random16() << 16 | ub_lwip_random16();
}
