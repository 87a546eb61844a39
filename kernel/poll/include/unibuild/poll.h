/*
 * Waiting for several files at once: poll and select, epoll, and the files made to be waited for,
 * eventfd and timerfd.
 *
 * All of it hangs on ub_file.changes: a file calls ub_file_notify whenever a POLL* bit may have
 * come up. Nothing is ever polled in a loop. The entry points of linked programs accept signal
 * masks and ignore them.
 *
 * epoll knows EPOLLET, EPOLLONESHOT and EPOLLRDHUP; EPOLLEXCLUSIVE and EPOLLWAKEUP are accepted and
 * have no effect (every waiter wakes). A file leaves its epoll sets when its last descriptor
 * closes. Files that cannot be waited for (without `poll` operation) are refused with -EPERM.
 */
#ifndef UNIBUILD_POLL_H
#define UNIBUILD_POLL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <unibuild/file.h>

/* Fills the revents and returns how many are not 0; 0 at the deadline; -ENOMEM, -EINVAL, -EINTR.
 * The clock is not read when the deadline is 0 (only look) or UB_CLOCK_NEVER. */
long ub_poll(struct pollfd *descriptors, size_t count, uint64_t deadline_ns);

/* The same for the sets of select, each of whole words for `count` descriptors; NULL is an empty
 * one. What is ready stays in them. -EBADF when one is not open. */
long ub_select(int count, unsigned long *reading, unsigned long *writing,
               unsigned long *exceptional, uint64_t deadline_ns);

struct epoll_event;
/* epoll_wait with a deadline: how many events, 0 at the deadline; -EBADF, -EINVAL, -EINTR. */
long ub_epoll_wait(int set_descriptor, struct epoll_event *events, int maximum,
                   uint64_t deadline_ns);

/* A relative timeout as a deadline: NULL is UB_CLOCK_NEVER, zero is 0. Returns 0 or -EINVAL. */
int ub_poll_deadline(const struct timespec *timeout, uint64_t *deadline_ns);

/* The file is closed for good: takes it out of every epoll set. Called by ub_file_put. */
void ub_epoll_forget(struct ub_file *file);

#endif
