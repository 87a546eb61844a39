/* See the header. One request at a time, polled: it is asked at boot, before interrupts. */
#include <unibuild/memory.h>
#include <unibuild/random.h>
#include <unibuild/virtio.h>
#include <unibuild/virtio_rng.h>

#define REQUEST_LIMIT 256u
/* How often the used ring is looked at before the device counts as absent: about a second. */
#define PATIENCE 200000000ull

static struct ub_virtio_queue queue;
static uint8_t *page;

static bool open_device(void)
{
    struct ub_virtio_device *device = ub_virtio_find(UB_VIRTIO_ENTROPY, 0);
    if (device == NULL || ub_virtio_negotiate(device, 0) != 0 ||
        ub_virtio_queue_create(&queue, device, 0, 8) != 0) {
        return false;
    }
    page = ub_page_allocate(1);
    if (page == NULL) {
        return false;
    }
    ub_virtio_start(device);
    return true;
}

/* At most REQUEST_LIMIT bytes into the page; the number got, 0 when the device does not answer. */
static size_t request(size_t size)
{
    struct ub_virtio_buffer buffer = {.data = page, .length = (uint32_t)size};
    if (ub_virtio_queue_add(&queue, &buffer, 0, 1, page) != 0) {
        return 0;
    }
    ub_virtio_queue_publish(&queue);
    for (uint64_t i = 0; i < PATIENCE; i++) {
        uint32_t length;
        if (ub_virtio_queue_take(&queue, &length) != NULL) {
            return length < size ? length : size;
        }
        __builtin_ia32_pause();
    }
    return 0;
}

size_t ub_virtio_rng_read(void *to, size_t size)
{
    if (page == NULL && !open_device()) {
        return 0;
    }
    size_t done = 0;
    while (done < size) {
        size_t left = size - done;
        size_t got = request(left < REQUEST_LIMIT ? left : REQUEST_LIMIT);
        if (got == 0) {
            break;
        }
        __builtin_memcpy((uint8_t *)to + done, page, got);
        __builtin_memset(page, 0, got);
        done += got;
    }
    return done;
}

static const struct ub_entropy_source virtio_rng = {
    .name = "virtio-rng",
    .read = ub_virtio_rng_read,
};
UB_ENTROPY_SOURCE(virtio_rng);
