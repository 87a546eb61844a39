/* Looks at every file; when none is ready, joins all their queues and looks again each time that
 * one of them is woken. */
#include <string.h>

#include <unibuild/memory.h>
#include <unibuild/poll.h>

#define ON_STACK 8U
#define MAXIMUM 65536U

struct watch {
    struct ub_wait_entry entry;
    struct ub_event *event;
    struct ub_file *file; /* NULL: not a descriptor, or none asked for */
};

static bool watch_wake(struct ub_wait_entry *entry)
{
    ub_event_set_locked(((struct watch *)entry)->event);
    return false;
}

/* One look at all. Returns how many have something to tell. */
static long look(struct pollfd *descriptors, const struct watch *watches, size_t count)
{
    long ready = 0;
    for (size_t i = 0; i < count; i++) {
        struct ub_file *file = watches[i].file;
        unsigned mask = 0;
        if (file != NULL) {
            mask = file->operations->poll != NULL ? file->operations->poll(file)
                                                  : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
            mask &= (unsigned short)descriptors[i].events | POLLERR | POLLHUP;
        } else if (descriptors[i].fd >= 0) {
            mask = POLLNVAL;
        }
        descriptors[i].revents = (short)mask;
        ready += mask != 0;
    }
    return ready;
}

static long wait(struct pollfd *descriptors, struct watch *watches, size_t count,
                 struct ub_event *event, uint64_t deadline_ns)
{
    long ready = 0;
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        if (watches[i].file != NULL) {
            ub_wait_entry_join(&watches[i].file->changes, &watches[i].entry);
        }
    }
    while ((ready = look(descriptors, watches, count)) == 0 && error == 0) {
        error = ub_event_wait(event, deadline_ns);
    }
    for (size_t i = 0; i < count; i++) {
        ub_wait_entry_leave(&watches[i].entry);
    }
    return ready == 0 && error == -EINTR ? -EINTR : ready;
}

long ub_poll(struct pollfd *descriptors, size_t count, uint64_t deadline_ns)
{
    struct watch few[ON_STACK];
    struct watch *watches = few;
    struct ub_event event = {0};
    if (count > MAXIMUM) {
        return -EINVAL;
    }
    if (count > ON_STACK) {
        watches = ub_heap_allocate(count * sizeof *watches);
        if (watches == NULL) {
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < count; i++) {
        watches[i] = (struct watch){
            .entry = {.wake = watch_wake},
            .event = &event,
            .file = descriptors[i].fd >= 0 ? ub_file_get(descriptors[i].fd) : NULL,
        };
    }
    long ready = look(descriptors, watches, count);
    if (ready == 0 && deadline_ns != 0) {
        ready = wait(descriptors, watches, count, &event, deadline_ns);
    }
    for (size_t i = 0; i < count; i++) {
        if (watches[i].file != NULL) {
            ub_file_put(watches[i].file);
        }
    }
    if (watches != few) {
        ub_heap_free(watches);
    }
    return ready;
}

int ub_poll_deadline(const struct timespec *timeout, uint64_t *deadline_ns)
{
    *deadline_ns = UB_CLOCK_NEVER;
    if (timeout == NULL) {
        return 0;
    }
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000L) {
        return -EINVAL;
    }
    if (timeout->tv_sec == 0 && timeout->tv_nsec == 0) {
        *deadline_ns = 0;
    } else if ((uint64_t)timeout->tv_sec < UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4) {
        *deadline_ns = ub_clock_monotonic() +
                       (uint64_t)timeout->tv_sec * UB_NANOSECONDS_PER_SECOND +
                       (uint64_t)timeout->tv_nsec;
    }
    return 0;
}

long ub_sys_ppoll(struct pollfd *descriptors, size_t count, const struct timespec *timeout,
                  const void *signal_mask, size_t mask_size)
{
    uint64_t deadline;
    (void)signal_mask;
    (void)mask_size;
    int error = ub_poll_deadline(timeout, &deadline);
    return error != 0 ? error : ub_thread_serve(ub_poll(descriptors, count, deadline));
}
