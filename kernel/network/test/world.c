/* See world.h. Buffers end one byte behind their frame, so that a sanitizer sees what reads
 * further; lwIP reads that one when a TCP option's kind is a segment's last byte. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <unibuild/clock.h>
#include <unibuild/file.h>
#include <unibuild/memory.h>
#include <unibuild/network.h>
#include <unibuild/network_device.h>
#include <unibuild/panic.h>
#include <unibuild/random.h>

#include "lwip/timeouts.h"

#include "world.h"

#define FILES 512
#define PAGES 1024
#define FRAME_OFFSET (UB_NETWORK_BUFFER_PRIVATE + UB_NETWORK_HEADROOM)

long ub_sys_socket(long domain, long type, long protocol);
long ub_sys_bind(long descriptor, long address, long size);
long ub_sys_listen(long descriptor, long backlog);
long ub_sys_accept4(long descriptor, long address, long size, long flags);
long ub_sys_recvfrom(long descriptor, long data, long size, long flags, long address,
                     long address_size);
long ub_sys_sendto(long descriptor, long data, long size, long flags, long address,
                   long address_size);

static uint64_t now = 1000000000;
static uint64_t state;
static size_t pages_out;
static size_t most_pages;
static long buffers_out;
static unsigned long connections;
static struct ub_file *files[FILES];
static int udp;
static int listener;

const char ub_image_network[] = "10.0.2.15/24,10.0.2.2";

uint32_t world_random(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33);
}

/* ---- the kernel's other components ---- */

_Noreturn void ub_panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

uint64_t ub_clock_monotonic(void)
{
    return now;
}

void ub_random_bytes(void *buffer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((uint8_t *)buffer)[i] = (uint8_t)world_random();
    }
}

size_t ub_page_total_count(void)
{
    return PAGES;
}

void *ub_page_allocate(size_t count)
{
    pages_out += count;
    most_pages = pages_out > most_pages ? pages_out : most_pages;
    return aligned_alloc(UB_PAGE_SIZE, count * UB_PAGE_SIZE);
}

void ub_page_free(void *pages, size_t count)
{
    pages_out -= count;
    free(pages);
}

void *ub_heap_allocate_zeroed(size_t size)
{
    return calloc(1, size);
}

void ub_heap_free(void *memory)
{
    free(memory);
}

struct ub_thread *ub_thread_create(void (*entry)(void *argument), void *argument, const char *name,
                                   size_t stack_pages)
{
    static int thread;
    (void)entry;
    (void)argument;
    (void)name;
    (void)stack_pages;
    return (struct ub_thread *)&thread;
}

void ub_wake_all(struct ub_wait_queue *queue)
{
    (void)queue;
}

void ub_network_thread(void *unused)
{
    (void)unused;
}

void ub_network_lock(void)
{
}

void ub_network_unlock(void)
{
}

bool ub_network_poll(void)
{
    return false;
}

void ub_network_flush(void)
{
}

void ub_network_flush_soon(void)
{
}

int ub_network_wait(struct ub_wait_queue *queue, uint64_t deadline)
{
    (void)queue;
    (void)deadline;
    return -ETIMEDOUT;
}

int ub_file_install(struct ub_file *file, unsigned descriptor_flags)
{
    (void)descriptor_flags;
    for (int i = 0; i < FILES; i++) {
        if (files[i] == NULL) {
            files[i] = file;
            return i;
        }
    }
    return -EMFILE;
}

struct ub_file *ub_file_get(long descriptor)
{
    struct ub_file *file = files[descriptor];
    if (file != NULL) {
        file->references++;
    }
    return file;
}

void ub_file_put(struct ub_file *file)
{
    if (--file->references == 0) {
        file->operations->close(file);
    }
}

static void close_file(int descriptor)
{
    struct ub_file *file = files[descriptor];
    files[descriptor] = NULL;
    ub_file_put(file);
}

/* ---- the device ---- */

static int transmit(struct ub_network_device *device, void *frame, size_t length, void *token)
{
    (void)device;
    memset((uint8_t *)frame - UB_NETWORK_HEADROOM, 0, UB_NETWORK_HEADROOM);
    world_sent(frame, length);
    ub_network_transmitted(token);
    return 0;
}

static void flush(struct ub_network_device *device)
{
    (void)device;
}

static void release(struct ub_network_device *device, void *buffer)
{
    (void)device;
    buffers_out--;
    free(buffer);
}

static struct ub_network_device device = {
    .name = "test",
    .hardware_address = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
    .mtu = 1500,
    .buffers = 128,
    .transmit = transmit,
    .flush = flush,
    .release = release,
};

struct ub_network_device *ub_network_device_open(void)
{
    return &device;
}

void world_receive(const uint8_t *bytes, size_t size)
{
    uint8_t *buffer = malloc(FRAME_OFFSET + size + 1);
    if (buffer == NULL) {
        abort();
    }
    memcpy(buffer + FRAME_OFFSET, bytes, size);
    buffers_out++;
    ub_network_receive(&device, buffer, buffer + FRAME_OFFSET, size);
}

/* ---- the program ---- */

static int open_server(int type, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    int file = (int)ub_sys_socket(AF_INET, type | SOCK_NONBLOCK, 0);
    if (file < 0 || ub_sys_bind(file, (long)&address, sizeof address) != 0) {
        abort();
    }
    return file;
}

extern void (*const world_bring_up)(void);

void world_start(unsigned long seed, int udp_port, int tcp_port)
{
    state = seed;
    world_bring_up();
    udp = open_server(SOCK_DGRAM, udp_port);
    listener = open_server(SOCK_STREAM, tcp_port);
    if (ub_sys_listen(listener, 32) != 0) {
        abort();
    }
}

static void echo(int file, bool stream)
{
    static char data[65536];
    struct sockaddr_in peer;
    for (;;) {
        socklen_t size = sizeof peer;
        long length = ub_sys_recvfrom(file, (long)data, sizeof data, 0, (long)&peer, (long)&size);
        if (stream && (length == 0 || (length < 0 && length != -EAGAIN))) {
            close_file(file);
            return;
        }
        if (length < 0) {
            return;
        }
        (void)ub_sys_sendto(file, (long)data, length, 0, stream ? 0 : (long)&peer, size);
    }
}

void world_run_program(void)
{
    echo(udp, false);
    while (ub_sys_accept4(listener, 0, 0, SOCK_NONBLOCK) >= 0) {
        connections++;
    }
    for (int file = 0; file < FILES; file++) {
        if (files[file] == NULL || file == udp || file == listener) {
            continue;
        }
        /* Some connections are not read, some are closed at once. */
        if (file % 7 != 0 || world_random() % 64 == 0) {
            echo(file, true);
        } else if (world_random() % 256 == 0) {
            close_file(file);
        }
    }
}

void world_close_connections(void)
{
    for (int file = 0; file < FILES; file++) {
        if (files[file] != NULL && file != udp && file != listener) {
            close_file(file);
        }
    }
}

void world_pass_time(unsigned milliseconds)
{
    now += milliseconds * 1000000ull;
    sys_check_timeouts();
}

unsigned long world_connections(void)
{
    return connections;
}

size_t world_most_pages(void)
{
    return most_pages;
}

long world_buffers_out(void)
{
    return buffers_out;
}
