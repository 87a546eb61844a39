/*
 * Reading the console, as a terminal in its ordinary mode reads: waits until something arrives,
 * returns at most one line, takes a carriage return for the end of a line, and a byte 4 (Ctrl-D) at
 * the start for the end of input. There is no echo and no editing: the host's terminal does both.
 */
#include <poll.h>

#include <unibuild/console.h>

#include "input.h"

#define CAPACITY 1024U /* a power of two */
#define END_OF_INPUT 4

static struct {
    struct ub_lock lock;
    unsigned start;
    unsigned used;
    char bytes[CAPACITY];
} input;

/* Takes what waits in the device, as far as there is room. */
static void fill_locked(void)
{
    char byte;
    while (input.used < CAPACITY && ub_console_read(&byte, 1) == 1) {
        input.bytes[(input.start + input.used++) % CAPACITY] = byte == '\r' ? '\n' : byte;
    }
}

static void arrived(void *context)
{
    (void)context;
    unsigned long flags = ub_lock_acquire(&input.lock);
    fill_locked();
    ub_lock_release(&input.lock, flags);
    ub_file_notify(&ub_file_console);
}

/* From the first use on, the device tells of what arrives. */
static bool listening(void)
{
    static bool asked;
    static bool told;
    if (!__atomic_exchange_n(&asked, true, __ATOMIC_ACQ_REL)) {
        told = ub_console_listen(arrived, NULL) == 0;
    }
    return told;
}

/* Up to a line; the count is 0 at the end of input. */
static long take_locked(char *buffer, size_t size)
{
    size_t count = 0;
    while (count < size && input.used > 0) {
        char byte = input.bytes[input.start];
        if (byte == END_OF_INPUT && count > 0) {
            break;
        }
        input.start = (input.start + 1) % CAPACITY;
        input.used--;
        if (byte == END_OF_INPUT) {
            break;
        }
        buffer[count++] = byte;
        if (byte == '\n') {
            break;
        }
    }
    fill_locked(); /* what did not fit before raises no interrupt again */
    return (long)count;
}

long ub_console_input_read(struct ub_file *file, void *buffer, size_t size)
{
    long result = 0;
    if (size == 0) {
        return 0;
    }
    bool told = listening();
    unsigned long flags = ub_lock_acquire(&input.lock);
    fill_locked();
    while (input.used == 0 && told && result == 0) {
        if (file->flags & O_NONBLOCK) {
            result = -EAGAIN;
        } else if (ub_thread_interrupted()) {
            result = -EINTR;
        } else {
            (void)ub_wait_unlock(&ub_file_console.changes, &input.lock, UB_CLOCK_NEVER);
        }
    }
    if (result == 0) {
        result = take_locked(buffer, size);
    }
    ub_lock_release(&input.lock, flags);
    return result;
}

unsigned ub_console_input_poll(void)
{
    bool told = listening();
    unsigned long flags = ub_lock_acquire(&input.lock);
    fill_locked();
    unsigned mask = input.used > 0 || !told ? POLLIN | POLLRDNORM : 0;
    ub_lock_release(&input.lock, flags);
    return mask;
}
