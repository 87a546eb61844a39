/* eventfd2(2): a counter that can be waited for. */
#include <poll.h>
#include <sys/eventfd.h>

#include <unibuild/file.h>
#include <unibuild/memory.h>

#define LIMIT (UINT64_MAX - 1)

struct counter {
    struct ub_file file;
    struct ub_lock lock;
    uint64_t value;
    bool semaphore;
};

static long counter_read(struct ub_file *file, void *buffer, size_t size)
{
    struct counter *counter = (struct counter *)file;
    if (size < sizeof(uint64_t)) {
        return -EINVAL;
    }
    unsigned long flags = ub_lock_acquire(&counter->lock);
    while (counter->value == 0) {
        long error = file->flags & O_NONBLOCK ? -EAGAIN : ub_thread_interrupted() ? -EINTR : 0;
        if (error != 0) {
            ub_lock_release(&counter->lock, flags);
            return error;
        }
        (void)ub_wait_unlock(&file->changes, &counter->lock, UB_CLOCK_NEVER);
    }
    uint64_t taken = counter->semaphore ? 1 : counter->value;
    counter->value -= taken;
    ub_file_notify(file);
    ub_lock_release(&counter->lock, flags);
    *(uint64_t *)buffer = taken;
    return sizeof(uint64_t);
}

static long counter_write(struct ub_file *file, const void *buffer, size_t size)
{
    struct counter *counter = (struct counter *)file;
    if (size < sizeof(uint64_t)) {
        return -EINVAL;
    }
    uint64_t added = *(const uint64_t *)buffer;
    if (added > LIMIT) {
        return -EINVAL;
    }
    unsigned long flags = ub_lock_acquire(&counter->lock);
    while (counter->value > LIMIT - added) {
        long error = file->flags & O_NONBLOCK ? -EAGAIN : ub_thread_interrupted() ? -EINTR : 0;
        if (error != 0) {
            ub_lock_release(&counter->lock, flags);
            return error;
        }
        (void)ub_wait_unlock(&file->changes, &counter->lock, UB_CLOCK_NEVER);
    }
    counter->value += added;
    ub_file_notify(file);
    ub_lock_release(&counter->lock, flags);
    return sizeof(uint64_t);
}

static unsigned counter_poll(struct ub_file *file)
{
    struct counter *counter = (struct counter *)file;
    unsigned long flags = ub_lock_acquire(&counter->lock);
    unsigned mask = (counter->value > 0 ? POLLIN | POLLRDNORM : 0) |
                    (counter->value < LIMIT ? POLLOUT | POLLWRNORM : 0);
    ub_lock_release(&counter->lock, flags);
    return mask;
}

static void counter_close(struct ub_file *file)
{
    ub_heap_free(file);
}

static const struct ub_file_operations operations = {
    .read = counter_read,
    .write = counter_write,
    .poll = counter_poll,
    .close = counter_close,
};

long ub_sys_eventfd2(unsigned long value, long flags)
{
    if (flags & ~(long)(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
        return -EINVAL;
    }
    struct counter *counter = ub_heap_allocate_zeroed(sizeof *counter);
    if (counter == NULL) {
        return -ENOMEM;
    }
    counter->file.operations = &operations;
    counter->file.flags = O_RDWR | ((unsigned)flags & O_NONBLOCK);
    counter->file.references = 1;
    counter->value = (unsigned)value;
    counter->semaphore = (flags & EFD_SEMAPHORE) != 0;
    int descriptor = ub_file_install(&counter->file, (unsigned)flags);
    if (descriptor < 0) {
        ub_file_put(&counter->file);
    }
    return descriptor;
}
