/* pselect6: three bit sets turned into a list for ub_poll, and back. */
#include <string.h>
#include <sys/select.h>

#include <unibuild/memory.h>
#include <unibuild/poll.h>

#define READ_BITS (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define WRITE_BITS (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define EXCEPT_BITS POLLPRI

static short wanted(int fd, const fd_set *read, const fd_set *write, const fd_set *except)
{
    return (short)((read != NULL && FD_ISSET(fd, read) ? POLLIN : 0) |
                   (write != NULL && FD_ISSET(fd, write) ? POLLOUT : 0) |
                   (except != NULL && FD_ISSET(fd, except) ? POLLPRI : 0));
}

/* Keeps `fd` in the set only if it was there and has one of the bits; returns whether it stays. */
static int keep(int fd, fd_set *set, short revents, short bits)
{
    if (set == NULL || !FD_ISSET(fd, set)) {
        return 0;
    }
    if ((revents & bits) != 0) {
        return 1;
    }
    FD_CLR(fd, set);
    return 0;
}

static long from_poll(const struct pollfd *list, size_t length, fd_set *read, fd_set *write,
                      fd_set *except)
{
    long total = 0;
    for (size_t i = 0; i < length; i++) {
        if (list[i].revents & POLLNVAL) {
            return -EBADF;
        }
    }
    for (size_t i = 0; i < length; i++) {
        total += keep(list[i].fd, read, list[i].revents, READ_BITS);
        total += keep(list[i].fd, write, list[i].revents, WRITE_BITS);
        total += keep(list[i].fd, except, list[i].revents, EXCEPT_BITS);
    }
    return total;
}

long ub_select(int count, unsigned long *reading, unsigned long *writing,
               unsigned long *exceptional, uint64_t deadline_ns)
{
    fd_set *read = (fd_set *)reading;
    fd_set *write = (fd_set *)writing;
    fd_set *except = (fd_set *)exceptional;
    struct pollfd *list = ub_heap_allocate((size_t)count * sizeof *list + 1);
    if (list == NULL) {
        return -ENOMEM;
    }
    size_t length = 0;
    for (int fd = 0; fd < count; fd++) {
        short events = wanted(fd, read, write, except);
        if (events != 0) {
            list[length++] = (struct pollfd){.fd = fd, .events = events};
        }
    }
    long result = ub_poll(list, length, deadline_ns);
    if (result >= 0) {
        result = from_poll(list, length, read, write, except);
    }
    ub_heap_free(list);
    return result;
}

long ub_sys_pselect6(long count, fd_set *read, fd_set *write, fd_set *except,
                     const struct timespec *timeout, const void *signal_mask)
{
    uint64_t deadline;
    (void)signal_mask;
    if (count < 0 || count > FD_SETSIZE) {
        return -EINVAL;
    }
    int error = ub_poll_deadline(timeout, &deadline);
    if (error != 0) {
        return error;
    }
    return ub_thread_serve(ub_select((int)count, (unsigned long *)read, (unsigned long *)write,
                                     (unsigned long *)except, deadline));
}
