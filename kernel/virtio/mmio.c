/*
 * virtio-mmio, modern (version 2) and legacy (version 1): Virtio 1.2, section 4.2.
 */
#include <errno.h>

#include <unibuild/interrupt.h>
#include <unibuild/memory.h>
#include <unibuild/virtio.h>

#include "mmio.h"
#include "ring.h"

#define MAGIC 0x74726976u
#define MINIMUM_SIZE 0x100u

enum mmio_register {
    REGISTER_MAGIC = 0x000,
    REGISTER_VERSION = 0x004,
    REGISTER_DEVICE = 0x008,
    REGISTER_DEVICE_FEATURES = 0x010,
    REGISTER_DEVICE_FEATURES_SELECT = 0x014,
    REGISTER_DRIVER_FEATURES = 0x020,
    REGISTER_DRIVER_FEATURES_SELECT = 0x024,
    REGISTER_LEGACY_PAGE_SIZE = 0x028,
    REGISTER_QUEUE_SELECT = 0x030,
    REGISTER_QUEUE_LIMIT = 0x034,
    REGISTER_QUEUE_SIZE = 0x038,
    REGISTER_LEGACY_ALIGNMENT = 0x03c,
    REGISTER_LEGACY_PAGE = 0x040,
    REGISTER_QUEUE_READY = 0x044,
    REGISTER_NOTIFY = 0x050,
    REGISTER_INTERRUPT_ACKNOWLEDGE = 0x064,
    REGISTER_STATUS = 0x070,
    REGISTER_DESCRIPTORS = 0x080,
    REGISTER_AVAILABLE = 0x090,
    REGISTER_USED = 0x0a0,
    REGISTER_CONFIGURATION = 0x100,
};

static inline uint32_t load(const struct ub_virtio_device *device, enum mmio_register offset)
{
    return *(volatile uint32_t *)(device->common + offset);
}

static inline void store(struct ub_virtio_device *device, enum mmio_register offset, uint32_t value)
{
    *(volatile uint32_t *)(device->common + offset) = value;
}

static inline void store_wide(struct ub_virtio_device *device, enum mmio_register offset,
                              uint64_t value)
{
    *(volatile uint32_t *)(device->common + offset) = (uint32_t)value;
    *(volatile uint32_t *)(device->common + offset + 4) = (uint32_t)(value >> 32);
}

static uint8_t get_status(struct ub_virtio_device *device)
{
    return (uint8_t)load(device, REGISTER_STATUS);
}

static void set_status(struct ub_virtio_device *device, uint8_t status)
{
    store(device, REGISTER_STATUS, status);
}

static uint64_t get_features(struct ub_virtio_device *device)
{
    store(device, REGISTER_DEVICE_FEATURES_SELECT, 0);
    uint64_t features = load(device, REGISTER_DEVICE_FEATURES);
    if (!device->legacy) {
        store(device, REGISTER_DEVICE_FEATURES_SELECT, 1);
        features |= (uint64_t)load(device, REGISTER_DEVICE_FEATURES) << 32;
    }
    return features;
}

static void set_features(struct ub_virtio_device *device, uint64_t features)
{
    store(device, REGISTER_DRIVER_FEATURES_SELECT, 0);
    store(device, REGISTER_DRIVER_FEATURES, (uint32_t)features);
    if (device->legacy) {
        store(device, REGISTER_LEGACY_PAGE_SIZE, UB_PAGE_SIZE);
    } else {
        store(device, REGISTER_DRIVER_FEATURES_SELECT, 1);
        store(device, REGISTER_DRIVER_FEATURES, (uint32_t)(features >> 32));
    }
}

static unsigned queue_limit(struct ub_virtio_device *device, unsigned queue)
{
    store(device, REGISTER_QUEUE_SELECT, queue);
    return load(device, REGISTER_QUEUE_LIMIT);
}

static int queue_enable(struct ub_virtio_device *device, struct ub_virtio_queue *queue)
{
    queue->doorbell = device->common + REGISTER_NOTIFY;
    queue->doorbell_wide = true;
    uint64_t base = ub_physical_address(queue->descriptors);
    store(device, REGISTER_QUEUE_SELECT, queue->number);
    store(device, REGISTER_QUEUE_SIZE, queue->size);
    if (device->legacy) {
        store(device, REGISTER_LEGACY_ALIGNMENT, UB_VIRTIO_RING_ALIGNMENT);
        store(device, REGISTER_LEGACY_PAGE, (uint32_t)(base / UB_PAGE_SIZE));
    } else {
        store_wide(device, REGISTER_DESCRIPTORS, base);
        store_wide(device, REGISTER_AVAILABLE, base + ub_virtio_available_offset(queue->size));
        store_wide(device, REGISTER_USED, base + ub_virtio_used_offset(queue->size));
        store(device, REGISTER_QUEUE_READY, 1);
    }
    return 0;
}

/* Both causes are acknowledged unread: a device register costs an exit to the monitor. */
static void interrupt(void *context)
{
    struct ub_virtio_device *device = context;
    store(device, REGISTER_INTERRUPT_ACKNOWLEDGE, 3);
    device->handler(device->context);
}

static int connect(struct ub_virtio_device *device)
{
    int result = ub_interrupt_connect(device->line, interrupt, device);
    if (result == 0 && device->second_line != 0) {
        result = ub_interrupt_connect(device->second_line, interrupt, device);
    }
    return result;
}

static const struct ub_virtio_transport transport = {
    .name = "virtio-mmio",
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .queue_limit = queue_limit,
    .queue_enable = queue_enable,
    .connect = connect,
};

void ub_virtio_mmio_probe(volatile uint8_t *registers, size_t size, unsigned line,
                          unsigned second_line)
{
    if (size < MINIMUM_SIZE || *(volatile uint32_t *)(registers + REGISTER_MAGIC) != MAGIC) {
        return;
    }
    uint32_t version = *(volatile uint32_t *)(registers + REGISTER_VERSION);
    uint32_t type = *(volatile uint32_t *)(registers + REGISTER_DEVICE);
    if (type == 0 || (version != 1 && version != 2)) {
        return;
    }
    struct ub_virtio_device *device = ub_virtio_add_device(&transport, type);
    if (device != NULL) {
        device->legacy = version == 1;
        device->common = registers;
        device->configuration = registers + REGISTER_CONFIGURATION;
        device->configuration_size = size - REGISTER_CONFIGURATION;
        device->line = line;
        device->second_line = second_line;
    }
}
