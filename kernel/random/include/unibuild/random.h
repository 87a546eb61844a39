/*
 * Random numbers: ChaCha20 with fast key erasure, seeded at boot.
 *
 * Sources of entropy register with UB_ENTROPY_SOURCE. At boot each source is asked in turn (RDSEED
 * and RDRAND are always there to be asked; a linked virtio-rng driver joins). When none delivers,
 * the image refuses to start: it prints why on the console and ends with status 78 (EX_CONFIG).
 * Nothing random is ever in the image itself.
 *
 * ub_random_bytes may be called from any thread and from interrupt handlers once boot has passed
 * initializer level UB_INITIALIZE_RANDOM; it never sleeps.
 */
#ifndef UNIBUILD_RANDOM_H
#define UNIBUILD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void ub_random_bytes(void *buffer, size_t count);
uint64_t ub_random_u64(void);

struct ub_entropy_source {
    const char *name;
    /*
     * Fills `buffer` with `count` unpredictable bytes, returns how many it could deliver (0 when
     * the device is absent). Called at boot with interrupts disabled, memory ready: may poll.
     */
    size_t (*read)(void *buffer, size_t count);
};

/* Joins the sources when its object file is linked. */
#define UB_ENTROPY_SOURCE(source)                                                                  \
    static const struct ub_entropy_source *const ub_entropy_entry_##source                         \
        __attribute__((used, retain, section(".ub_entropy"))) = &(source)

/* Seeds the generator or refuses to start. Called once by kernel/start, before any initializer. */
void ub_random_initialize(void);

#endif
