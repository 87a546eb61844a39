/*
 * virtio-rng (Virtio 1.2, section 5.4) as a source of entropy for <unibuild/random.h>.
 *
 * The object registers itself as an entropy source; an image has it when its platform names it.
 */
#ifndef UNIBUILD_VIRTIO_RNG_H
#define UNIBUILD_VIRTIO_RNG_H

#include <stddef.h>

/* Fills `to` from the device, waiting for it (bounded). Returns the bytes got; 0 without a device.
 * Usable before interrupts and threads are. */
size_t ub_virtio_rng_read(void *to, size_t size);

#endif
