/* The two halves of virtio-mmio: finding transports, and driving one. */
#ifndef UNIBUILD_VIRTIO_MMIO_H
#define UNIBUILD_VIRTIO_MMIO_H

#include <stddef.h>
#include <stdint.h>

/* Adds the device of the transport at `registers`, if there is one. It interrupts on `line`, or on
 * `second_line` where that is not 0. */
void ub_virtio_mmio_probe(volatile uint8_t *registers, size_t size, unsigned line,
                          unsigned second_line);

#endif
