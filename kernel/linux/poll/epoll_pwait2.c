/* epoll_pwait2(2). */
#include <unibuild/linux_call.h>

#include "wait.h"

UB_LINUX_CALL(epoll_pwait2)
{
    uint64_t deadline;
    long result = ub_linux_timespec_in(ub_argument(frame, 3), &deadline);
    if (result == 0) {
        result = ub_linux_wait_mask(ub_argument(frame, 4), ub_argument(frame, 5));
    }
    return result != 0 ? result : ub_linux_epoll_until(frame, deadline);
}
