/* Where the parts of a queue lie in its memory; one layout for both interfaces. */
#ifndef UNIBUILD_VIRTIO_RING_H
#define UNIBUILD_VIRTIO_RING_H

#include <stddef.h>

#include <unibuild/virtio.h>

/* Told to legacy devices, which compute the used ring's place from it. */
#define UB_VIRTIO_RING_ALIGNMENT 64u

static inline size_t ub_virtio_available_offset(size_t size)
{
    return size * sizeof(struct ub_virtio_descriptor);
}

static inline size_t ub_virtio_used_offset(size_t size)
{
    size_t end = ub_virtio_available_offset(size) + sizeof(struct ub_virtio_available) +
                 (size + 1) * sizeof(uint16_t);
    return (end + UB_VIRTIO_RING_ALIGNMENT - 1) & ~(size_t)(UB_VIRTIO_RING_ALIGNMENT - 1);
}

/* Bytes of all rings, rounded up so that pointers may follow. */
static inline size_t ub_virtio_ring_size(size_t size)
{
    size_t end = ub_virtio_used_offset(size) + sizeof(struct ub_virtio_used) +
                 size * sizeof(struct ub_virtio_used_element) + sizeof(uint16_t);
    return (end + 7) & ~(size_t)7;
}

#endif
