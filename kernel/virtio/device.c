/* The table of devices that the transports found, and the steps of Virtio 1.2, section 3.1. */
#include <errno.h>

#include <unibuild/virtio.h>

#define DEVICE_LIMIT 16u

static struct ub_virtio_device devices[DEVICE_LIMIT];
static unsigned device_count;
static bool scanned;

struct ub_virtio_device *ub_virtio_add_device(const struct ub_virtio_transport *transport,
                                              uint32_t type)
{
    if (device_count == DEVICE_LIMIT) {
        return NULL;
    }
    struct ub_virtio_device *device = &devices[device_count++];
    device->transport = transport;
    device->type = type;
    return device;
}

struct ub_virtio_device *ub_virtio_find(uint32_t type, unsigned ordinal)
{
    if (!scanned) {
        scanned = true;
        for (ub_virtio_scan *const *scan = ub_virtio_transports; *scan != NULL; scan++) {
            (*scan)();
        }
    }
    for (unsigned i = 0; i < device_count; i++) {
        if (devices[i].type == type && ordinal-- == 0) {
            return &devices[i];
        }
    }
    return NULL;
}

int ub_virtio_negotiate(struct ub_virtio_device *device, uint64_t wanted)
{
    const struct ub_virtio_transport *transport = device->transport;
    transport->set_status(device, 0);
    /* A reset takes effect when 0 can be read back (section 2.4); devices here do it at once. */
    for (unsigned tries = 0; transport->get_status(device) != 0; tries++) {
        if (tries == 100000) {
            return -ENODEV;
        }
    }
    uint8_t status = UB_VIRTIO_ACKNOWLEDGE | UB_VIRTIO_DRIVER;
    transport->set_status(device, status);
    uint64_t offered = transport->get_features(device);
    if (!device->legacy) {
        wanted |= UB_VIRTIO_F_VERSION_1;
        if ((offered & UB_VIRTIO_F_VERSION_1) == 0) {
            return -ENODEV;
        }
    }
    device->features = offered & wanted;
    transport->set_features(device, device->features);
    if (!device->legacy) {
        status |= UB_VIRTIO_FEATURES_OK;
        transport->set_status(device, status);
        if ((transport->get_status(device) & UB_VIRTIO_FEATURES_OK) == 0) {
            return -ENODEV;
        }
    }
    return 0;
}

int ub_virtio_connect(struct ub_virtio_device *device, void (*handler)(void *), void *context)
{
    device->handler = handler;
    device->context = context;
    return device->transport->connect(device);
}

void ub_virtio_start(struct ub_virtio_device *device)
{
    const struct ub_virtio_transport *transport = device->transport;
    transport->set_status(device, (uint8_t)(transport->get_status(device) | UB_VIRTIO_DRIVER_OK));
}

void ub_virtio_read_configuration(const struct ub_virtio_device *device, size_t offset, void *to,
                                  size_t size)
{
    uint8_t *bytes = to;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = offset + i < device->configuration_size ? device->configuration[offset + i] : 0;
    }
}
