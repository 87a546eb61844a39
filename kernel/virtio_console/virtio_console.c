/* See the header. One transmit request at a time, from a page of its own; one receive buffer. */
#include <unibuild/initialize.h>
#include <unibuild/interrupt.h>
#include <unibuild/memory.h>
#include <unibuild/virtio.h>
#include <unibuild/virtio_console.h>

#define RECEIVE_QUEUE 0
#define TRANSMIT_QUEUE 1
#define RING_LIMIT 8
#define HALF_PAGE (UB_PAGE_SIZE / 2)
/* How often the ring is looked at before output counts as lost: the monitor may have stopped. */
#define PATIENCE 100000000ul

static struct ub_virtio_queue receive_queue;
static struct ub_virtio_queue transmit_queue;
static char *transmit_buffer;
static char *receive_buffer;
static void (*arrived)(void *context);
static void *arrived_context;
static size_t receive_start; /* what of the receive buffer has been read */
static size_t receive_end;

static void send(const char *bytes, size_t count)
{
    __builtin_memcpy(transmit_buffer, bytes, count);
    struct ub_virtio_buffer out = {.data = transmit_buffer, .length = (uint32_t)count};
    if (ub_virtio_queue_add(&transmit_queue, &out, 1, 0, transmit_buffer) != 0) {
        return;
    }
    ub_virtio_queue_publish(&transmit_queue);
    uint32_t length;
    for (unsigned long i = 0; i < PATIENCE; i++) {
        if (ub_virtio_queue_take(&transmit_queue, &length) != NULL) {
            return;
        }
        __builtin_ia32_pause();
    }
}

static void write_console(const char *bytes, size_t count)
{
    unsigned long flags = ub_interrupt_disable();
    while (count > 0) {
        size_t part = count < HALF_PAGE ? count : HALF_PAGE;
        send(bytes, part);
        bytes += part;
        count -= part;
    }
    ub_interrupt_restore(flags);
}

static void post_receive_buffer(void)
{
    struct ub_virtio_buffer room = {.data = receive_buffer, .length = HALF_PAGE};
    if (ub_virtio_queue_add(&receive_queue, &room, 0, 1, receive_buffer) == 0) {
        ub_virtio_queue_publish(&receive_queue);
    }
}

static size_t read_console(char *bytes, size_t count)
{
    unsigned long flags = ub_interrupt_disable();
    uint32_t length;
    if (receive_start == receive_end && ub_virtio_queue_take(&receive_queue, &length) != NULL) {
        receive_start = 0;
        receive_end = length < HALF_PAGE ? length : HALF_PAGE;
    }
    size_t waiting = receive_end - receive_start;
    size_t part = count < waiting ? count : waiting;
    __builtin_memcpy(bytes, receive_buffer + receive_start, part);
    receive_start += part;
    if (part != 0 && receive_start == receive_end) {
        post_receive_buffer();
    }
    ub_interrupt_restore(flags);
    return part;
}

static void interrupt(void *context)
{
    (void)context;
    if (arrived != NULL) {
        arrived(arrived_context);
    }
}

static int listen_console(void (*function)(void *context), void *context)
{
    unsigned long flags = ub_interrupt_disable();
    arrived_context = context;
    arrived = function;
    /* What waits already the caller finds when it reads, as it does next. */
    (void)ub_virtio_queue_interrupts_enable(&receive_queue);
    ub_interrupt_restore(flags);
    return 0;
}

const struct ub_console_device ub_virtio_console = {
    .name = "virtio-console",
    .write = write_console,
    .read = read_console,
    .listen = listen_console,
};

static void take_over(void)
{
    struct ub_virtio_device *device = ub_virtio_find(UB_VIRTIO_CONSOLE, 0);
    if (device == NULL || ub_virtio_negotiate(device, 0) != 0) {
        return;
    }
    transmit_buffer = ub_page_allocate(1);
    if (transmit_buffer == NULL || ub_virtio_connect(device, interrupt, NULL) != 0 ||
        ub_virtio_queue_create(&receive_queue, device, RECEIVE_QUEUE, RING_LIMIT) != 0 ||
        ub_virtio_queue_create(&transmit_queue, device, TRANSMIT_QUEUE, RING_LIMIT) != 0) {
        return;
    }
    receive_buffer = transmit_buffer + HALF_PAGE;
    ub_virtio_start(device);
    post_receive_buffer();
    ub_console_register(&ub_virtio_console);
}
UB_INITIALIZER(UB_INITIALIZE_DEVICE, take_over);
