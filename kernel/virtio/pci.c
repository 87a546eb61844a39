/*
 * virtio-pci, modern interface (Virtio 1.2, section 4.1), with message-signalled interrupts.
 *
 * Firmware has placed the devices' registers before the kernel runs; the buses are searched through
 * configuration mechanism #1 (ports 0xcf8 and 0xcfc), which every PC has. Each device gets one
 * MSI-X vector for all of its queues: it goes straight to the processor, so that no interrupt
 * routing tables are needed and a handler need not ask the device why it was called.
 */
#include <errno.h>

#include <unibuild/interrupt.h>
#include <unibuild/io.h>
#include <unibuild/memory.h>
#include <unibuild/virtio.h>

#include "ring.h"

#define CONFIGURATION_ADDRESS 0xcf8
#define CONFIGURATION_DATA 0xcfc
#define CONFIGURATION_ENABLE 0x80000000u

#define VENDOR_VIRTIO 0x1af4u
#define DEVICE_MODERN_BASE 0x1040u
#define DEVICE_TRANSITIONAL_BASE 0x1000u
#define DEVICE_TRANSITIONAL_LAST 0x103fu
#define DEVICE_LAST 0x107fu

#define REGISTER_COMMAND 0x04u
#define REGISTER_CLASS 0x08u
#define REGISTER_HEADER 0x0cu
#define REGISTER_BAR 0x10u
#define REGISTER_BUSES 0x18u
#define REGISTER_SUBSYSTEM 0x2cu
#define REGISTER_CAPABILITIES 0x34u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define COMMAND_INTERRUPT_OFF 0x400u
#define STATUS_CAPABILITIES 0x100000u
#define CAPABILITY_VENDOR 0x09u
#define CAPABILITY_MSIX 0x11u
#define MSIX_ENABLE 0x80000000u
#define MSIX_ALL_MASKED 0x40000000u
#define CAPABILITY_LIMIT 48u

/* Section 4.1.4: what a vendor capability locates. */
#define PART_COMMON 1u
#define PART_NOTIFY 2u
#define PART_DEVICE 4u

/* Section 4.1.4.3. */
enum common_register {
    COMMON_DEVICE_FEATURE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIGURATION_VECTOR = 16,
    COMMON_STATUS = 20,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY_OFFSET = 30,
    COMMON_QUEUE_DESCRIPTORS = 32,
    COMMON_QUEUE_AVAILABLE = 40,
    COMMON_QUEUE_USED = 48,
    COMMON_SIZE = 56,
};

#define NO_VECTOR 0xffffu

static uint32_t read_bus(uint32_t address, unsigned offset)
{
    ub_port_write32(CONFIGURATION_ADDRESS, address | (offset & 0xfc));
    return ub_port_read32(CONFIGURATION_DATA);
}

static void write_bus(uint32_t address, unsigned offset, uint32_t value)
{
    ub_port_write32(CONFIGURATION_ADDRESS, address | (offset & 0xfc));
    ub_port_write32(CONFIGURATION_DATA, value);
}

static inline uint16_t load16(const struct ub_virtio_device *device, enum common_register offset)
{
    return *(volatile uint16_t *)(device->common + offset);
}

static inline uint32_t load32(const struct ub_virtio_device *device, enum common_register offset)
{
    return *(volatile uint32_t *)(device->common + offset);
}

static inline void store16(struct ub_virtio_device *device, enum common_register offset,
                           uint16_t value)
{
    *(volatile uint16_t *)(device->common + offset) = value;
}

static inline void store32(struct ub_virtio_device *device, enum common_register offset,
                           uint32_t value)
{
    *(volatile uint32_t *)(device->common + offset) = value;
}

static inline void store64(struct ub_virtio_device *device, enum common_register offset,
                           uint64_t value)
{
    *(volatile uint32_t *)(device->common + offset) = (uint32_t)value;
    *(volatile uint32_t *)(device->common + offset + 4) = (uint32_t)(value >> 32);
}

static uint8_t get_status(struct ub_virtio_device *device)
{
    return device->common[COMMON_STATUS];
}

static void set_status(struct ub_virtio_device *device, uint8_t status)
{
    device->common[COMMON_STATUS] = status;
}

static uint64_t get_features(struct ub_virtio_device *device)
{
    store32(device, COMMON_DEVICE_FEATURE_SELECT, 0);
    uint64_t low = load32(device, COMMON_DEVICE_FEATURE);
    store32(device, COMMON_DEVICE_FEATURE_SELECT, 1);
    return low | (uint64_t)load32(device, COMMON_DEVICE_FEATURE) << 32;
}

static void set_features(struct ub_virtio_device *device, uint64_t features)
{
    store32(device, COMMON_DRIVER_FEATURE_SELECT, 0);
    store32(device, COMMON_DRIVER_FEATURE, (uint32_t)features);
    store32(device, COMMON_DRIVER_FEATURE_SELECT, 1);
    store32(device, COMMON_DRIVER_FEATURE, (uint32_t)(features >> 32));
}

static unsigned queue_limit(struct ub_virtio_device *device, unsigned queue)
{
    store16(device, COMMON_QUEUE_SELECT, (uint16_t)queue);
    return load16(device, COMMON_QUEUE_SIZE);
}

static int queue_enable(struct ub_virtio_device *device, struct ub_virtio_queue *queue)
{
    uint64_t base = ub_physical_address(queue->descriptors);
    store16(device, COMMON_QUEUE_SELECT, queue->number);
    uint64_t doorbell =
        (uint64_t)load16(device, COMMON_QUEUE_NOTIFY_OFFSET) * device->notify_multiplier;
    if (doorbell + sizeof(uint16_t) > device->notify_size) {
        return -ENODEV;
    }
    queue->doorbell = device->notify + doorbell;
    store16(device, COMMON_QUEUE_SIZE, queue->size);
    store64(device, COMMON_QUEUE_DESCRIPTORS, base);
    store64(device, COMMON_QUEUE_AVAILABLE, base + ub_virtio_available_offset(queue->size));
    store64(device, COMMON_QUEUE_USED, base + ub_virtio_used_offset(queue->size));
    if (device->handler != NULL) {
        store16(device, COMMON_QUEUE_VECTOR, 0);
        if (load16(device, COMMON_QUEUE_VECTOR) != 0) {
            return -ENOSPC;
        }
    }
    store16(device, COMMON_QUEUE_ENABLE, 1);
    return 0;
}

/* The next capability from `offset` on (its own offset), or 0; `*budget` bounds a looping list. */
static unsigned next_capability(unsigned offset, unsigned *budget)
{
    offset &= 0xfc;
    return offset < 0x40 || (*budget)-- == 0 ? 0 : offset;
}

static unsigned find_capability(uint32_t address, unsigned id)
{
    unsigned budget = CAPABILITY_LIMIT;
    unsigned offset = next_capability(read_bus(address, REGISTER_CAPABILITIES), &budget);
    while (offset != 0) {
        uint32_t header = read_bus(address, offset);
        if ((header & 0xff) == id) {
            return offset;
        }
        offset = next_capability(header >> 8, &budget);
    }
    return 0;
}

/* Maps `length` bytes at `offset` of base address register `bar`; NULL when it is not memory. */
static volatile uint8_t *map_bar(uint32_t address, unsigned bar, uint64_t offset, uint64_t length)
{
    if (bar > 5 || length == 0 || offset + length > UINT32_MAX) {
        return NULL;
    }
    uint32_t low = read_bus(address, REGISTER_BAR + bar * 4);
    if ((low & 1) != 0) {
        return NULL;
    }
    uint64_t base = low & ~0xfu;
    if ((low & 6) == 4 && bar < 5) {
        base |= (uint64_t)read_bus(address, REGISTER_BAR + bar * 4 + 4) << 32;
    }
    return base == 0 ? NULL : ub_memory_map_device(base + offset, length);
}

static void msix_interrupt(void *context)
{
    struct ub_virtio_device *device = context;
    device->handler(device->context);
}

/* Table entry (PCI 3.0, section 6.8.2): address low and high, data, vector control. */
static int connect(struct ub_virtio_device *device)
{
    unsigned capability = find_capability(device->line, CAPABILITY_MSIX);
    if (capability == 0) {
        return -ENODEV;
    }
    uint32_t table = read_bus(device->line, capability + 4);
    volatile uint32_t *entry =
        (volatile uint32_t *)map_bar(device->line, table & 7, table & ~7u, 16);
    if (entry == NULL) {
        return -ENODEV;
    }
    unsigned long long address;
    unsigned data;
    int result = ub_interrupt_connect_message(msix_interrupt, device, &address, &data);
    if (result != 0) {
        return result;
    }
    entry[0] = (uint32_t)address;
    entry[1] = (uint32_t)(address >> 32);
    entry[2] = data;
    entry[3] = 0;
    uint32_t control = read_bus(device->line, capability);
    write_bus(device->line, capability, (control & ~MSIX_ALL_MASKED) | MSIX_ENABLE);
    store16(device, COMMON_CONFIGURATION_VECTOR, NO_VECTOR);
    return 0;
}

static const struct ub_virtio_transport transport = {
    .name = "virtio-pci",
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .queue_limit = queue_limit,
    .queue_enable = queue_enable,
    .connect = connect,
};

/* Notes where the part is that one vendor capability locates (section 4.1.4). */
static void take_part(struct ub_virtio_device *device, uint32_t address, unsigned offset)
{
    uint32_t header = read_bus(address, offset);
    unsigned bar = read_bus(address, offset + 4) & 0xff;
    uint32_t start = read_bus(address, offset + 8);
    uint32_t length = read_bus(address, offset + 12);
    switch (header >> 24) {
    case PART_COMMON:
        if (device->common == NULL && length >= COMMON_SIZE) {
            device->common = map_bar(address, bar, start, length);
        }
        break;
    case PART_NOTIFY:
        if (device->notify == NULL) {
            device->notify = map_bar(address, bar, start, length);
            device->notify_size = length;
            device->notify_multiplier = read_bus(address, offset + 16);
        }
        break;
    case PART_DEVICE:
        if (device->configuration == NULL) {
            device->configuration = map_bar(address, bar, start, length);
            device->configuration_size = device->configuration == NULL ? 0 : length;
        }
        break;
    default:
        break;
    }
}

static void add_function(uint32_t address, uint32_t type)
{
    uint32_t command = read_bus(address, REGISTER_COMMAND);
    if ((command & STATUS_CAPABILITIES) == 0) {
        return;
    }
    write_bus(address, REGISTER_COMMAND,
              (command & 0xffff) | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTERRUPT_OFF);
    struct ub_virtio_device parts = {.transport = &transport, .type = type, .line = address};
    unsigned budget = CAPABILITY_LIMIT;
    unsigned offset = next_capability(read_bus(address, REGISTER_CAPABILITIES), &budget);
    while (offset != 0) {
        uint32_t header = read_bus(address, offset);
        if ((header & 0xff) == CAPABILITY_VENDOR) {
            take_part(&parts, address, offset);
        }
        offset = next_capability(header >> 8, &budget);
    }
    if (parts.common != NULL && parts.notify != NULL) {
        struct ub_virtio_device *device = ub_virtio_add_device(&transport, type);
        if (device != NULL) {
            *device = parts;
        }
    }
}

static void scan_bus(unsigned bus, unsigned *last_bus);

static void scan_function(uint32_t address, uint32_t identity, unsigned *last_bus)
{
    uint32_t device = identity >> 16;
    uint32_t class = read_bus(address, REGISTER_CLASS) >> 16;
    if (class == 0x0604) {
        /* A bridge: firmware has numbered the bus behind it, higher than its own. */
        unsigned behind = (read_bus(address, REGISTER_BUSES) >> 8) & 0xff;
        if (behind > *last_bus) {
            *last_bus = behind;
            scan_bus(behind, last_bus);
        }
    } else if ((identity & 0xffff) != VENDOR_VIRTIO) {
        return;
    } else if (device > DEVICE_MODERN_BASE && device <= DEVICE_LAST) {
        add_function(address, device - DEVICE_MODERN_BASE);
    } else if (device >= DEVICE_TRANSITIONAL_BASE && device <= DEVICE_TRANSITIONAL_LAST) {
        /* A transitional device tells its type as the subsystem (section 4.1.2.1). */
        add_function(address, read_bus(address, REGISTER_SUBSYSTEM) >> 16);
    }
}

static void scan_bus(unsigned bus, unsigned *last_bus)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        for (unsigned function = 0; function < 8; function++) {
            uint32_t address = CONFIGURATION_ENABLE | bus << 16 | slot << 11 | function << 8;
            uint32_t identity = read_bus(address, 0);
            if (identity != 0xffffffffu) {
                scan_function(address, identity, last_bus);
            }
            bool several = (read_bus(address, REGISTER_HEADER) & 0x800000u) != 0;
            if (function == 0 && (identity == 0xffffffffu || !several)) {
                break;
            }
        }
    }
}

void ub_virtio_pci_scan(void)
{
    unsigned last_bus = 0;
    scan_bus(0, &last_bus);
}
