/*
 * Split virtqueues (Virtio 1.2, section 2.7).
 *
 * The three parts lie in one piece of memory in the order that the legacy interface prescribes,
 * with the used ring at UB_VIRTIO_RING_ALIGNMENT, so that one layout serves both interfaces. The
 * driver keeps its own copies of every index it writes; from the device it believes only what it
 * checked.
 */
#include <errno.h>

#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/virtio.h>

#include "ring.h"

#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u
#define AVAILABLE_NO_INTERRUPT 1u
#define USED_NO_NOTIFY 1u

_Static_assert(sizeof(struct ub_virtio_descriptor) == 16, "section 2.7.5");
_Static_assert(sizeof(struct ub_virtio_used_element) == 8, "section 2.7.8");

static inline void full_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void order_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_ACQ_REL);
}

/* Section 2.7.10: whether `event` lies in the indices from `old` up to, not including, `new`. */
static inline bool event_passed(uint16_t event, uint16_t new, uint16_t old)
{
    return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/* The fields behind the rings that say at which index the other side wants to hear. */
static inline volatile uint16_t *used_event(const struct ub_virtio_queue *queue)
{
    return &queue->available->ring[queue->size];
}

static inline uint16_t available_event(const struct ub_virtio_queue *queue)
{
    return *(const volatile uint16_t *)&queue->used->ring[queue->size];
}

int ub_virtio_queue_create(struct ub_virtio_queue *queue, struct ub_virtio_device *device,
                           unsigned number, unsigned limit)
{
    unsigned size = device->transport->queue_limit(device, number);
    if (size == 0 || size > 32768 || limit == 0) {
        return -ENODEV;
    }
    while (size > limit || (size & (size - 1)) != 0) {
        /* The largest power of two within both bounds. */
        size = (size & (size - 1)) != 0 ? size & (size - 1) : size / 2;
    }
    size_t rings = ub_virtio_ring_size(size);
    size_t bytes = rings + size * sizeof(void *);
    uint8_t *memory = ub_page_allocate((bytes + UB_PAGE_SIZE - 1) / UB_PAGE_SIZE);
    if (memory == NULL) {
        return -ENOMEM;
    }
    *queue = (struct ub_virtio_queue){
        .device = device,
        .descriptors = (struct ub_virtio_descriptor *)memory,
        .available = (struct ub_virtio_available *)(memory + ub_virtio_available_offset(size)),
        .used = (volatile struct ub_virtio_used *)(memory + ub_virtio_used_offset(size)),
        .tokens = (void **)(memory + rings),
        .number = (uint16_t)number,
        .size = (uint16_t)size,
        .free = (uint16_t)size,
        .event_index = (device->features & UB_VIRTIO_F_EVENT_INDEX) != 0,
    };
    for (unsigned i = 0; i < size; i++) {
        queue->descriptors[i].next = (uint16_t)(i + 1);
    }
    ub_virtio_queue_interrupts_disable(queue);
    return device->transport->queue_enable(device, queue);
}

int ub_virtio_queue_add(struct ub_virtio_queue *queue, const struct ub_virtio_buffer *buffers,
                        unsigned outward, unsigned inward, void *token)
{
    unsigned count = outward + inward;
    if (count == 0 || count > queue->free) {
        return -ENOSPC;
    }
    uint16_t head = queue->free_head;
    struct ub_virtio_descriptor *descriptor = NULL;
    for (unsigned i = 0; i < count; i++) {
        descriptor = &queue->descriptors[queue->free_head];
        descriptor->address = ub_physical_address(buffers[i].data);
        descriptor->length = buffers[i].length;
        descriptor->flags = (uint16_t)(DESCRIPTOR_NEXT | (i < outward ? 0 : DESCRIPTOR_WRITE));
        queue->free_head = descriptor->next;
    }
    descriptor->flags &= (uint16_t)~DESCRIPTOR_NEXT;
    queue->free = (uint16_t)(queue->free - count);
    queue->tokens[head] = token;
    queue->available->ring[queue->next_available++ & (queue->size - 1)] = head;
    return 0;
}

void ub_virtio_queue_publish(struct ub_virtio_queue *queue)
{
    uint16_t old = queue->published;
    uint16_t new = queue->next_available;
    if (old == new) {
        return;
    }
    order_barrier();
    *(volatile uint16_t *)&queue->available->index = new;
    queue->published = new;
    full_barrier();
    bool wanted = queue->event_index ? event_passed(available_event(queue), new, old)
                                     : (queue->used->flags & USED_NO_NOTIFY) == 0;
    if (!wanted) {
        return;
    }
    if (queue->doorbell_wide) {
        *(volatile uint32_t *)queue->doorbell = queue->number;
    } else {
        *(volatile uint16_t *)queue->doorbell = queue->number;
    }
}

bool ub_virtio_queue_pending(const struct ub_virtio_queue *queue)
{
    return queue->used->index != queue->next_used;
}

void *ub_virtio_queue_take(struct ub_virtio_queue *queue, uint32_t *length)
{
    uint16_t waiting = (uint16_t)(queue->used->index - queue->next_used);
    if (waiting == 0) {
        return NULL;
    }
    order_barrier();
    volatile struct ub_virtio_used_element *element =
        &queue->used->ring[queue->next_used & (queue->size - 1)];
    uint32_t head = element->id;
    if (waiting > queue->size || head >= queue->size || queue->tokens[head] == NULL) {
        ub_panic("virtio: device returned a buffer that it does not have");
    }
    *length = element->length;
    void *token = queue->tokens[head];
    queue->tokens[head] = NULL;
    queue->next_used++;

    /* The chain is the driver's own writing; the device may not change descriptors, but it could:
     * a chain that runs past the ring is its doing. */
    uint16_t last = (uint16_t)head;
    uint16_t freed = 1;
    while ((queue->descriptors[last].flags & DESCRIPTOR_NEXT) != 0) {
        last = queue->descriptors[last].next;
        if (last >= queue->size || ++freed > queue->size) {
            ub_panic("virtio: device changed a descriptor");
        }
    }
    queue->descriptors[last].next = queue->free_head;
    queue->free_head = (uint16_t)head;
    queue->free = (uint16_t)(queue->free + freed);
    return token;
}

bool ub_virtio_queue_interrupts_enable(struct ub_virtio_queue *queue)
{
    if (queue->event_index) {
        *used_event(queue) = queue->next_used;
    } else {
        *(volatile uint16_t *)&queue->available->flags = 0;
    }
    full_barrier();
    return !ub_virtio_queue_pending(queue);
}

void ub_virtio_queue_interrupts_disable(struct ub_virtio_queue *queue)
{
    if (queue->event_index) {
        /* An index that was just passed: the device gets there after 65535 more requests. */
        *used_event(queue) = (uint16_t)(queue->next_used - 1);
    } else {
        *(volatile uint16_t *)&queue->available->flags = AVAILABLE_NO_INTERRUPT;
    }
}
