/* epoll_create(2): the size has been a hint since there is one. */
#include <unibuild/linux_call.h>

long ub_sys_epoll_create1(long flags);

UB_LINUX_CALL(epoll_create)
{
    return (int)ub_argument(frame, 0) <= 0 ? -EINVAL : ub_sys_epoll_create1(0);
}
