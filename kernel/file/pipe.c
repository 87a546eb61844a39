/*
 * Pipes: a ring of 64 KiB between two files. Writes of up to PIPE_BUF bytes are not mixed with
 * others. Writing with no reader left is -EPIPE; the signal that goes with it is for Linux programs
 * alone, and their calls send it.
 */
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include <unibuild/file.h>
#include <unibuild/memory.h>

#define CAPACITY UB_PIPE_CAPACITY
#define PAGES (CAPACITY / UB_PAGE_SIZE)

struct pipe;

struct end {
    struct ub_file file;
    struct pipe *pipe;
    bool open;
};

struct pipe {
    struct ub_lock lock;
    struct end reader;
    struct end writer;
    char *ring;
    size_t start; /* of the bytes that wait */
    size_t used;
};

static struct pipe *pipe_of(struct ub_file *file)
{
    return ((struct end *)file)->pipe;
}

/* Copies between the ring at `position` and `buffer`; `size` <= CAPACITY. */
static void ring_copy(struct pipe *pipe, size_t position, char *out, const char *in, size_t size)
{
    position %= CAPACITY;
    size_t first = size < CAPACITY - position ? size : CAPACITY - position;
    if (out != NULL) {
        memcpy(out, pipe->ring + position, first);
        memcpy(out + first, pipe->ring, size - first);
    } else {
        memcpy(pipe->ring + position, in, first);
        memcpy(pipe->ring, in + first, size - first);
    }
}

static long pipe_read(struct ub_file *file, void *buffer, size_t size)
{
    struct pipe *pipe = pipe_of(file);
    long result = 0;
    if (size == 0) {
        return 0;
    }
    unsigned long flags = ub_lock_acquire(&pipe->lock);
    while (pipe->used == 0 && pipe->writer.open && result == 0) {
        if (file->flags & O_NONBLOCK) {
            result = -EAGAIN;
        } else if (ub_thread_interrupted()) {
            result = -EINTR;
        } else {
            (void)ub_wait_unlock(&file->changes, &pipe->lock, UB_CLOCK_NEVER);
        }
    }
    if (result == 0) {
        size_t count = size < pipe->used ? size : pipe->used;
        ring_copy(pipe, pipe->start, buffer, NULL, count);
        pipe->start = (pipe->start + count) % CAPACITY;
        pipe->used -= count;
        result = (long)count;
        ub_file_notify(&pipe->writer.file);
    }
    ub_lock_release(&pipe->lock, flags);
    return result;
}

/* Appends what fits, as a whole when it is small. Returns the count, which may be 0. */
static size_t append_locked(struct pipe *pipe, const char *bytes, size_t size)
{
    size_t room = CAPACITY - pipe->used;
    if (room < size && size <= PIPE_BUF) {
        return 0;
    }
    size_t count = size < room ? size : room;
    ring_copy(pipe, pipe->start + pipe->used, NULL, bytes, count);
    pipe->used += count;
    if (count > 0) {
        ub_file_notify(&pipe->reader.file);
    }
    return count;
}

static long pipe_write(struct ub_file *file, const void *buffer, size_t size)
{
    struct pipe *pipe = pipe_of(file);
    size_t written = 0;
    long error = 0;
    unsigned long flags = ub_lock_acquire(&pipe->lock);
    while (written < size && error == 0) {
        size_t count = 0;
        if (pipe->reader.open) {
            count = append_locked(pipe, (const char *)buffer + written, size - written);
        } else {
            error = -EPIPE;
        }
        written += count;
        if (count == 0 && error == 0) {
            if (file->flags & O_NONBLOCK) {
                error = -EAGAIN;
            } else if (ub_thread_interrupted()) {
                error = -EINTR;
            } else {
                (void)ub_wait_unlock(&file->changes, &pipe->lock, UB_CLOCK_NEVER);
            }
        }
    }
    ub_lock_release(&pipe->lock, flags);
    return written > 0 ? (long)written : error;
}

static unsigned read_poll(struct ub_file *file)
{
    struct pipe *pipe = pipe_of(file);
    unsigned long flags = ub_lock_acquire(&pipe->lock);
    unsigned mask = (pipe->used > 0 ? POLLIN | POLLRDNORM : 0) | (pipe->writer.open ? 0 : POLLHUP);
    ub_lock_release(&pipe->lock, flags);
    return mask;
}

static unsigned write_poll(struct ub_file *file)
{
    struct pipe *pipe = pipe_of(file);
    unsigned long flags = ub_lock_acquire(&pipe->lock);
    unsigned mask = (CAPACITY - pipe->used >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0) |
                    (pipe->reader.open ? 0 : POLLERR);
    ub_lock_release(&pipe->lock, flags);
    return mask;
}

static long pipe_control(struct ub_file *file, unsigned long request, unsigned long argument)
{
    if (request != FIONREAD) {
        return -ENOTTY;
    }
    *(int *)argument = (int)pipe_of(file)->used;
    return 0;
}

static long pipe_status(struct ub_file *file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFIFO | 0600;
    return 0;
}

static void pipe_close(struct ub_file *file)
{
    struct pipe *pipe = pipe_of(file);
    unsigned long flags = ub_lock_acquire(&pipe->lock);
    ((struct end *)file)->open = false;
    bool last = !pipe->reader.open && !pipe->writer.open;
    if (!last) {
        ub_file_notify(pipe->reader.open ? &pipe->reader.file : &pipe->writer.file);
    }
    ub_lock_release(&pipe->lock, flags);
    if (last) {
        ub_page_free(pipe->ring, PAGES);
        ub_heap_free(pipe);
    }
}

static const struct ub_file_operations read_operations = {
    .read = pipe_read,
    .poll = read_poll,
    .control = pipe_control,
    .status = pipe_status,
    .close = pipe_close,
};

static const struct ub_file_operations write_operations = {
    .write = pipe_write,
    .poll = write_poll,
    .control = pipe_control,
    .status = pipe_status,
    .close = pipe_close,
};

static struct pipe *pipe_make(unsigned flags)
{
    struct pipe *pipe = ub_heap_allocate_zeroed(sizeof *pipe);
    char *ring = ub_page_allocate(PAGES);
    if (pipe == NULL || ring == NULL) {
        ub_heap_free(pipe);
        if (ring != NULL) {
            ub_page_free(ring, PAGES);
        }
        return NULL;
    }
    pipe->ring = ring;
    pipe->reader = (struct end){
        {.operations = &read_operations, .flags = O_RDONLY | flags, .references = 1}, pipe, true};
    pipe->writer = (struct end){
        {.operations = &write_operations, .flags = O_WRONLY | flags, .references = 1}, pipe, true};
    return pipe;
}

long ub_sys_close(long descriptor);

long ub_sys_pipe2(int *descriptors, long flags)
{
    if (flags & ~(long)(O_CLOEXEC | O_NONBLOCK)) {
        return -EINVAL;
    }
    struct pipe *pipe = pipe_make((unsigned)flags & O_NONBLOCK);
    if (pipe == NULL) {
        return -ENOMEM;
    }
    int reader = ub_file_install(&pipe->reader.file, (unsigned)flags);
    if (reader < 0) {
        ub_file_put(&pipe->reader.file);
        ub_file_put(&pipe->writer.file);
        return reader;
    }
    int writer = ub_file_install(&pipe->writer.file, (unsigned)flags);
    if (writer < 0) {
        ub_file_put(&pipe->writer.file);
        (void)ub_sys_close(reader);
        return writer;
    }
    descriptors[0] = reader;
    descriptors[1] = writer;
    return 0;
}
