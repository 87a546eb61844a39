/*
 * Split queues against a device that is played here: an honest one that must get and return every
 * buffer in any order, and a hostile one whose every lie must end in ub_panic and in nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/virtio.h>

#define SIZE 16u
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static jmp_buf on_panic;
static uint32_t doorbell;
static unsigned limit = SIZE;

void *ub_page_allocate(size_t count)
{
    void *pages = aligned_alloc(UB_PAGE_SIZE, count * UB_PAGE_SIZE);
    return pages == NULL ? NULL : memset(pages, 0, count * UB_PAGE_SIZE);
}

uint64_t ub_physical_address(const void *address)
{
    return (uint64_t)(uintptr_t)address;
}

void ub_panic(const char *format, ...)
{
    (void)format;
    longjmp(on_panic, 1);
}

static unsigned queue_limit(struct ub_virtio_device *device, unsigned queue)
{
    (void)device;
    (void)queue;
    return limit;
}

static int queue_enable(struct ub_virtio_device *device, struct ub_virtio_queue *queue)
{
    (void)device;
    queue->doorbell = &doorbell;
    queue->doorbell_wide = true;
    return 0;
}

static const struct ub_virtio_transport transport = {
    .queue_limit = queue_limit,
    .queue_enable = queue_enable,
};

static uint32_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15ull;
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33);
}

static struct ub_virtio_queue make_queue(uint64_t features)
{
    static struct ub_virtio_device device = {.transport = &transport};
    struct ub_virtio_queue queue;
    device.features = features;
    CHECK(ub_virtio_queue_create(&queue, &device, 3, SIZE) == 0);
    return queue;
}

/* The device returns one buffer. */
static void give_back(struct ub_virtio_queue *queue, uint32_t id, uint32_t length)
{
    struct ub_virtio_used *used = (struct ub_virtio_used *)queue->used;
    used->ring[used->index % queue->size] = (struct ub_virtio_used_element){id, length};
    used->index++;
}

/* Many rounds of requests of random shape, returned in random order; nothing is lost or doubled. */
static void honest(uint64_t features)
{
    struct ub_virtio_queue queue = make_queue(features);
    uint16_t seen = 0;
    uint16_t held[SIZE];
    unsigned held_count = 0;
    bool out[SIZE * 4096] = {false};
    uintptr_t next_token = 1;
    for (unsigned round = 0; round < 60000; round++) {
        struct ub_virtio_buffer buffers[3] = {{held, 4}, {out, 8}, {buffers, 16}};
        unsigned outward = next_random() % 2;
        unsigned inward = 1 + next_random() % 2;
        unsigned free = queue.free;
        int result = ub_virtio_queue_add(&queue, buffers, outward, inward, (void *)next_token);
        CHECK((result == 0) == (outward + inward <= free));
        if (result == 0) {
            CHECK(queue.free == free - outward - inward);
            out[next_token % sizeof out] = true;
            next_token++;
        }
        if (next_random() % 4 == 0) {
            ub_virtio_queue_publish(&queue);
            CHECK(queue.available->index == queue.next_available);
        }
        while (seen != queue.available->index) {
            held[held_count++] = queue.available->ring[seen++ % queue.size];
        }
        while (held_count != 0 && next_random() % 3 != 0) {
            unsigned pick = next_random() % held_count;
            give_back(&queue, held[pick], next_random());
            held[pick] = held[--held_count];
        }
        uint32_t length;
        void *token;
        while ((token = ub_virtio_queue_take(&queue, &length)) != NULL) {
            CHECK(out[(uintptr_t)token % sizeof out]);
            out[(uintptr_t)token % sizeof out] = false;
        }
        CHECK(!ub_virtio_queue_pending(&queue));
    }
}

/* The device hears of new buffers exactly when it asked to (section 2.7.10). */
static void notifications(void)
{
    struct ub_virtio_queue queue = make_queue(UB_VIRTIO_F_EVENT_INDEX);
    uint16_t *event = (uint16_t *)(uintptr_t)&queue.used->ring[queue.size];
    struct ub_virtio_buffer buffer = {&queue, 1};
    *event = 1;
    doorbell = 0xffffffff;
    CHECK(ub_virtio_queue_add(&queue, &buffer, 1, 0, &queue) == 0);
    ub_virtio_queue_publish(&queue);
    CHECK(doorbell == 0xffffffff);
    CHECK(ub_virtio_queue_add(&queue, &buffer, 1, 0, &queue) == 0);
    ub_virtio_queue_publish(&queue);
    CHECK(doorbell == 3);
    doorbell = 0xffffffff;
    ub_virtio_queue_publish(&queue);
    CHECK(doorbell == 0xffffffff);
    CHECK(ub_virtio_queue_interrupts_enable(&queue));
    CHECK(queue.available->ring[queue.size] == 0);
    give_back(&queue, queue.available->ring[0], 0);
    CHECK(!ub_virtio_queue_interrupts_enable(&queue));
}

enum lie {
    LIE_ID_BEYOND,
    LIE_ID_FREE,
    LIE_TWICE,
    LIE_INDEX,
    LIE_CHAIN_LOOP,
    LIE_CHAIN_BEYOND,
    LIES
};

static void tell(struct ub_virtio_queue *queue, enum lie lie)
{
    uint16_t head = queue->available->ring[0];
    switch (lie) {
    case LIE_ID_BEYOND:
        give_back(queue, SIZE + next_random() % 100000, 0);
        break;
    case LIE_ID_FREE:
        give_back(queue, (head + 5u) % SIZE, 0);
        break;
    case LIE_TWICE:
        give_back(queue, head, 0);
        give_back(queue, head, 0);
        break;
    case LIE_INDEX:
        ((struct ub_virtio_used *)queue->used)->index += (uint16_t)(SIZE + 1);
        break;
    case LIE_CHAIN_LOOP:
        queue->descriptors[head].flags |= 1;
        queue->descriptors[head].next = head;
        give_back(queue, head, 0);
        break;
    default:
        queue->descriptors[head].flags |= 1;
        queue->descriptors[head].next = 40000;
        give_back(queue, head, 0);
        break;
    }
}

static void hostile(enum lie lie)
{
    struct ub_virtio_queue queue = make_queue(0);
    struct ub_virtio_buffer buffer = {&queue, 1};
    CHECK(ub_virtio_queue_add(&queue, &buffer, 0, 1, &queue) == 0);
    ub_virtio_queue_publish(&queue);
    tell(&queue, lie);
    if (setjmp(on_panic) == 0) {
        uint32_t length;
        for (unsigned i = 0; i < 4; i++) {
            (void)ub_virtio_queue_take(&queue, &length);
        }
        fprintf(stderr, "lie %d was believed\n", lie);
        exit(1);
    }
}

static void sizes(void)
{
    struct ub_virtio_device device = {.transport = &transport};
    struct ub_virtio_queue queue;
    static const unsigned cases[][2] = {{256, 16}, {24, 16}, {5, 4}, {1, 1}, {32768, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        limit = cases[i][0];
        CHECK(ub_virtio_queue_create(&queue, &device, 0, SIZE) == 0);
        CHECK(queue.size == cases[i][1]);
    }
    limit = 0;
    CHECK(ub_virtio_queue_create(&queue, &device, 0, SIZE) != 0);
    limit = 65536;
    CHECK(ub_virtio_queue_create(&queue, &device, 0, SIZE) != 0);
    limit = SIZE;
}

int main(void)
{
    sizes();
    honest(0);
    honest(UB_VIRTIO_F_EVENT_INDEX);
    notifications();
    for (int lie = 0; lie < LIES; lie++) {
        hostile(lie);
    }
    puts("queues: honest and hostile devices");
    return 0;
}
