/* epoll_pwait(2) of linked programs. */
#include <sys/epoll.h>

#include <unibuild/poll.h>

long ub_sys_epoll_pwait(long set_descriptor, struct epoll_event *events, long maximum, long timeout,
                        const void *signal_mask, size_t mask_size)
{
    uint64_t deadline = UB_CLOCK_NEVER;
    (void)signal_mask;
    (void)mask_size;
    if ((int)timeout >= 0) {
        deadline =
            (int)timeout == 0 ? 0 : ub_clock_monotonic() + (uint64_t)(int)timeout * 1000000ULL;
    }
    return ub_thread_serve(ub_epoll_wait((int)set_descriptor, events, (int)maximum, deadline));
}
