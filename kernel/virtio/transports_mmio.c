/* The transports of a platform with virtio-mmio devices only. */
#include <unibuild/virtio.h>

ub_virtio_scan ub_virtio_mmio_scan;

ub_virtio_scan *const ub_virtio_transports[] = {ub_virtio_mmio_scan, NULL};
