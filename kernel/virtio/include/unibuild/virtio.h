/*
 * Virtio 1.x devices: discovery, feature negotiation and split queues (Virtio 1.2, sections 2-4).
 *
 * A transport (mmio, pci, ...) is a table of operations. The platform chooses transports by linking
 * one object that defines `ub_virtio_transports`, a NULL-terminated list of scan functions; adding
 * a transport means writing its operations and naming its scan function in that list.
 *
 * A driver asks for its device by type, negotiates, creates its queues and starts it:
 *
 *     struct ub_virtio_device *device = ub_virtio_find(UB_VIRTIO_NETWORK, 0);
 *     ub_virtio_negotiate(device, wanted_features);
 *     ub_virtio_connect(device, interrupt_handler, context);
 *     ub_virtio_queue_create(&queue, device, 0, 128);
 *     ub_virtio_start(device);
 *
 * Both the modern interface and the legacy one of virtio-mmio version 1 are spoken: QEMU's microvm
 * offers only the latter unless told `-global virtio-mmio.force-legacy=false`, and a plain
 * `qemu -kernel IMAGE` must work. virtio-pci is modern only (QEMU's devices are transitional).
 *
 * The device is outside the trust boundary: ring indices, descriptor ids and lengths that it writes
 * are checked. A value that no correct device can produce is a panic, never a wild access.
 *
 * Locking: the caller serialises use of one queue. Nothing here sleeps.
 */
#ifndef UNIBUILD_VIRTIO_H
#define UNIBUILD_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Device types (Virtio 1.2, section 5). */
#define UB_VIRTIO_NETWORK 1u
#define UB_VIRTIO_CONSOLE 3u
#define UB_VIRTIO_ENTROPY 4u

/* Feature bits that are no single device's (Virtio 1.2, section 6). */
#define UB_VIRTIO_F_ANY_LAYOUT (1ull << 27)
#define UB_VIRTIO_F_EVENT_INDEX (1ull << 29)
#define UB_VIRTIO_F_VERSION_1 (1ull << 32)

struct ub_virtio_device;
struct ub_virtio_queue;

/* What a transport can do. `queue` is the queue's number on its device. */
struct ub_virtio_transport {
    const char *name;
    uint8_t (*get_status)(struct ub_virtio_device *device);
    void (*set_status)(struct ub_virtio_device *device, uint8_t status);
    uint64_t (*get_features)(struct ub_virtio_device *device);
    void (*set_features)(struct ub_virtio_device *device, uint64_t features);
    /* The largest ring that the device takes for this queue; 0 when there is no such queue. */
    unsigned (*queue_limit)(struct ub_virtio_device *device, unsigned queue);
    /* Tells the device where the rings are. 0 or a negative errno. */
    int (*queue_enable)(struct ub_virtio_device *device, struct ub_virtio_queue *queue);
    /* Delivers the device's interrupts to `device->handler`. Called before the queues are enabled.
     * 0 or a negative errno. */
    int (*connect)(struct ub_virtio_device *device);
};

/* Device status bits (Virtio 1.2, section 2.1). */
#define UB_VIRTIO_ACKNOWLEDGE 1u
#define UB_VIRTIO_DRIVER 2u
#define UB_VIRTIO_DRIVER_OK 4u
#define UB_VIRTIO_FEATURES_OK 8u

struct ub_virtio_device {
    const struct ub_virtio_transport *transport;
    uint32_t type;
    bool legacy;              /* speaks the interface from before Virtio 1.0 */
    uint64_t features;        /* negotiated */
    volatile uint8_t *common; /* registers; the layout is the transport's */
    volatile uint8_t *notify; /* where queues are notified */
    volatile uint8_t *configuration;
    size_t configuration_size;
    uint32_t notify_multiplier; /* bytes between two queues' notify registers; pci */
    uint32_t notify_size;       /* bytes of the notify registers; pci */
    uint32_t line;        /* mmio: interrupt line; pci: bus address (configuration mechanism) */
    uint32_t second_line; /* mmio: the other line that it may be, 0 for none */
    void (*handler)(void *context);
    void *context;
};

/* Ring parts as the device sees them (Virtio 1.2, section 2.7). */
struct ub_virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct ub_virtio_available {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[];
};

struct ub_virtio_used_element {
    uint32_t id;
    uint32_t length;
};

struct ub_virtio_used {
    uint16_t flags;
    uint16_t index;
    struct ub_virtio_used_element ring[];
};

/* One buffer of a request. */
struct ub_virtio_buffer {
    void *data;
    uint32_t length;
};

struct ub_virtio_queue {
    struct ub_virtio_device *device;
    struct ub_virtio_descriptor *descriptors;
    struct ub_virtio_available *available;
    volatile struct ub_virtio_used *used;
    void **tokens;           /* by head descriptor; NULL when the device does not own it */
    volatile void *doorbell; /* the number of the queue is written here */
    bool doorbell_wide;      /* as 32 bits (mmio) instead of 16 (pci) */
    uint16_t number;
    uint16_t size;           /* a power of two */
    uint16_t free;           /* descriptors not in use */
    uint16_t free_head;      /* first of the free list, linked through `next` */
    uint16_t next_available; /* shadow of available->index: what add() has filled */
    uint16_t published;      /* what the device has been shown */
    uint16_t next_used;      /* first used element not yet taken */
    bool event_index;
};

typedef void ub_virtio_scan(void);
extern ub_virtio_scan *const ub_virtio_transports[];

/* For transports: a device was found. Returns its record, or NULL when the table is full. */
struct ub_virtio_device *ub_virtio_add_device(const struct ub_virtio_transport *transport,
                                              uint32_t type);

/* The `ordinal`-th device of a type in discovery order, or NULL. Scans at the first call. */
struct ub_virtio_device *ub_virtio_find(uint32_t type, unsigned ordinal);

/* Resets the device and agrees on `wanted` (UB_VIRTIO_F_VERSION_1 is added where spoken).
 * The result is in device->features. 0, or -ENODEV when the device refuses. */
int ub_virtio_negotiate(struct ub_virtio_device *device, uint64_t wanted);

/* Bytes of the device's configuration space; beyond its end they are 0. */
void ub_virtio_read_configuration(const struct ub_virtio_device *device, size_t offset, void *to,
                                  size_t size);

/* Makes queue `number` with at most `limit` descriptors, allocated from pages. 0 or -errno. */
int ub_virtio_queue_create(struct ub_virtio_queue *queue, struct ub_virtio_device *device,
                           unsigned number, unsigned limit);

/* Has the device's interrupts call `handler(context)`, in interrupt context. 0 or -errno. */
int ub_virtio_connect(struct ub_virtio_device *device, void (*handler)(void *), void *context);

/* Lets the device run: all queues that will be used must exist. */
void ub_virtio_start(struct ub_virtio_device *device);

/* Gives the device `outward` buffers to read followed by `inward` buffers to write, as one request.
 * `token` (not NULL) comes back from ub_virtio_queue_take. The device sees it at the next publish.
 * 0, or -ENOSPC when there are not enough descriptors. */
int ub_virtio_queue_add(struct ub_virtio_queue *queue, const struct ub_virtio_buffer *buffers,
                        unsigned outward, unsigned inward, void *token);

/* Shows the device everything added since the last publish, and notifies it if it asks for that. */
void ub_virtio_queue_publish(struct ub_virtio_queue *queue);

/* The next finished request's token with the bytes written by the device in `*length`, or NULL. */
void *ub_virtio_queue_take(struct ub_virtio_queue *queue, uint32_t *length);

/* Whether a finished request is waiting. */
bool ub_virtio_queue_pending(const struct ub_virtio_queue *queue);

/* Asks the device to interrupt at the next finished request. Returns false when one is waiting
 * already (the caller then takes it: no interrupt may come for it). */
bool ub_virtio_queue_interrupts_enable(struct ub_virtio_queue *queue);

/* Asks the device not to interrupt (a hint: a late interrupt may still come). */
void ub_virtio_queue_interrupts_disable(struct ub_virtio_queue *queue);

#endif
