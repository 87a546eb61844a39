/* epoll_pwait(2). */
#include <unibuild/linux_call.h>

#include "wait.h"

UB_LINUX_CALL(epoll_pwait)
{
    long result = ub_linux_wait_mask(ub_argument(frame, 4), ub_argument(frame, 5));
    return result != 0 ? result
                       : ub_linux_epoll_until(frame, ub_linux_milliseconds(ub_argument(frame, 3)));
}
