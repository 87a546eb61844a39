/* The events of epoll_wait. A program that asks for very many gets them in more than one call. */
#include <limits.h>
#include <sys/epoll.h>

#include <unibuild/linux_call.h>
#include <unibuild/memory.h>
#include <unibuild/poll.h>

#include "wait.h"

#define FEW 42U
#define MOST 1024U

long ub_linux_epoll_until(const struct ub_exception_frame *frame, uint64_t deadline)
{
    struct epoll_event few[FEW];
    struct epoll_event *events = few;
    int maximum = (int)ub_argument(frame, 2);
    uint64_t address = ub_argument(frame, 1);
    if (maximum <= 0 || (unsigned)maximum > INT_MAX / sizeof *events) {
        return -EINVAL;
    }
    if (address > UB_USER_END - (uint64_t)maximum * sizeof *events) {
        return -EFAULT;
    }
    if ((unsigned)maximum > FEW) {
        maximum = (unsigned)maximum < MOST ? maximum : (int)MOST;
        events = ub_heap_allocate((unsigned)maximum * sizeof *events);
        if (events == NULL) {
            return -ENOMEM;
        }
    }
    long result = ub_epoll_wait((int)ub_argument(frame, 0), events, maximum, deadline);
    if (result > 0 && !ub_user_copy_out(address, events, (size_t)result * sizeof *events)) {
        result = -EFAULT;
    }
    if (events != few) {
        ub_heap_free(events);
    }
    return result;
}
