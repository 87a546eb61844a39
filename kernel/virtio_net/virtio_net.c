/*
 * virtio-net (Virtio 1.2, section 5.1): one receive and one transmit queue.
 *
 * Each receive buffer is half a page: private room for the stack, the device's header, a frame. All
 * are posted at start and again as the stack releases them. Interrupts come from the receive queue
 * only; finished transmissions are collected whenever somebody polls or the ring is full. Checksum
 * offload is not asked for: the checksums of small packets cost less than the bookkeeping.
 */
#include <errno.h>

#include <unibuild/memory.h>
#include <unibuild/network_device.h>
#include <unibuild/virtio.h>

#define FEATURE_MAC (1ull << 5)
#define LEGACY_HEADER 10u
#define MODERN_HEADER 12u
#define ETHERNET_HEADER 14u
#define MTU 1500u

#define BUFFER_SIZE 2048u
#define FRAME_OFFSET (UB_NETWORK_BUFFER_PRIVATE + UB_NETWORK_HEADROOM)
#define RING_LIMIT 256u
#define RING_MINIMUM 64u
/* At most this part of the machine's pages holds receive buffers. */
#define MEMORY_SHARE 16u
/* Receive buffers are handed back to the device in batches of this many. */
#define REPOST_BATCH 16u

_Static_assert(FRAME_OFFSET + UB_NETWORK_FRAME_MAXIMUM <= BUFFER_SIZE, "a frame fits");
_Static_assert(UB_NETWORK_HEADROOM >= MODERN_HEADER, "the header fits in front");

static struct ub_network_device network;
static struct ub_virtio_queue receive_queue;
static struct ub_virtio_queue transmit_queue;
static unsigned header_size;

static void post(void *buffer)
{
    struct ub_virtio_buffer room = {
        .data = (char *)buffer + FRAME_OFFSET - header_size,
        .length = header_size + UB_NETWORK_FRAME_MAXIMUM,
    };
    /* There are as many buffers as descriptors. */
    (void)ub_virtio_queue_add(&receive_queue, &room, 0, 1, buffer);
}

static void release(struct ub_network_device *device, void *buffer)
{
    (void)device;
    post(buffer);
    if ((uint16_t)(receive_queue.next_available - receive_queue.published) >= REPOST_BATCH) {
        ub_virtio_queue_publish(&receive_queue);
    }
}

static void collect_transmitted(void)
{
    uint32_t length;
    void *token;
    while ((token = ub_virtio_queue_take(&transmit_queue, &length)) != NULL) {
        ub_network_transmitted(token);
    }
}

static int transmit(struct ub_network_device *device, void *frame, size_t length, void *token)
{
    (void)device;
    uint8_t *header = (uint8_t *)frame - header_size;
    __builtin_memset(header, 0, header_size);
    struct ub_virtio_buffer out = {.data = header, .length = header_size + (uint32_t)length};
    if (ub_virtio_queue_add(&transmit_queue, &out, 1, 0, token) == 0) {
        return 0;
    }
    ub_virtio_queue_publish(&transmit_queue);
    collect_transmitted();
    return ub_virtio_queue_add(&transmit_queue, &out, 1, 0, token) == 0 ? 0 : -ENOBUFS;
}

static void flush(struct ub_network_device *device)
{
    (void)device;
    ub_virtio_queue_publish(&transmit_queue);
}

static unsigned poll(struct ub_network_device *device, unsigned budget)
{
    collect_transmitted();
    unsigned received = 0;
    uint32_t length;
    void *buffer;
    while (received < budget && (buffer = ub_virtio_queue_take(&receive_queue, &length)) != NULL) {
        received++;
        if (length < header_size + ETHERNET_HEADER ||
            length > header_size + UB_NETWORK_FRAME_MAXIMUM) {
            release(device, buffer);
            continue;
        }
        ub_network_receive(device, buffer, (char *)buffer + FRAME_OFFSET, length - header_size);
    }
    return received;
}

static bool interrupts_enable(struct ub_network_device *device)
{
    (void)device;
    ub_virtio_queue_publish(&receive_queue);
    return ub_virtio_queue_interrupts_enable(&receive_queue);
}

static void interrupt(void *context)
{
    (void)context;
    ub_virtio_queue_interrupts_disable(&receive_queue);
    ub_network_interrupt();
}

/* Fills the receive ring; 0 or -ENOMEM. */
static int post_all(void)
{
    unsigned count = receive_queue.size;
    char *buffers = ub_page_allocate(count * BUFFER_SIZE / UB_PAGE_SIZE);
    if (buffers == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        post(buffers + i * BUFFER_SIZE);
    }
    network.buffers = count;
    return 0;
}

static unsigned receive_limit(void)
{
    size_t limit = ub_page_total_count() / MEMORY_SHARE * (UB_PAGE_SIZE / BUFFER_SIZE);
    return limit > RING_LIMIT ? RING_LIMIT : limit < RING_MINIMUM ? RING_MINIMUM : (unsigned)limit;
}

static void read_address(const struct ub_virtio_device *device)
{
    ub_virtio_read_configuration(device, 0, network.hardware_address,
                                 sizeof network.hardware_address);
    /* A device need not have an address; one that is multicast is none. */
    if ((device->features & FEATURE_MAC) == 0 || (network.hardware_address[0] & 1) != 0) {
        static const uint8_t fallback[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
        __builtin_memcpy(network.hardware_address, fallback, sizeof fallback);
    }
}

struct ub_network_device *ub_network_device_open(void)
{
    struct ub_virtio_device *device = ub_virtio_find(UB_VIRTIO_NETWORK, 0);
    uint64_t wanted = FEATURE_MAC | UB_VIRTIO_F_ANY_LAYOUT | UB_VIRTIO_F_EVENT_INDEX;
    if (device == NULL || ub_virtio_negotiate(device, wanted) != 0) {
        return NULL;
    }
    /* Header and frame share a descriptor, which old devices allow only with this feature. */
    bool any_layout = (device->features & (UB_VIRTIO_F_ANY_LAYOUT | UB_VIRTIO_F_VERSION_1)) != 0;
    header_size = device->legacy ? LEGACY_HEADER : MODERN_HEADER;
    if (!any_layout || ub_virtio_connect(device, interrupt, NULL) != 0 ||
        ub_virtio_queue_create(&receive_queue, device, 0, receive_limit()) != 0 ||
        ub_virtio_queue_create(&transmit_queue, device, 1, RING_LIMIT) != 0 || post_all() != 0) {
        return NULL;
    }
    read_address(device);
    network.name = "virtio-net";
    network.mtu = MTU;
    network.transmit = transmit;
    network.flush = flush;
    network.poll = poll;
    network.release = release;
    network.interrupts_enable = interrupts_enable;
    ub_virtio_start(device);
    ub_virtio_queue_publish(&receive_queue);
    return &network;
}
