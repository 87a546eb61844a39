/* The transports of a platform with virtio-pci devices only. */
#include <unibuild/virtio.h>

ub_virtio_scan ub_virtio_pci_scan;

ub_virtio_scan *const ub_virtio_transports[] = {ub_virtio_pci_scan, NULL};
