/* epoll_wait(2). */
#include <unibuild/linux_call.h>

#include "wait.h"

UB_LINUX_CALL(epoll_wait)
{
    return ub_linux_epoll_until(frame, ub_linux_milliseconds(ub_argument(frame, 3)));
}
