/* epoll_ctl(2). */
#include <sys/epoll.h>

#include <unibuild/linux_call.h>

long ub_sys_epoll_ctl(long set, long operation, long descriptor, const struct epoll_event *event);

UB_LINUX_CALL(epoll_ctl)
{
    struct epoll_event event = {0};
    int operation = (int)ub_argument(frame, 1);
    if (operation != EPOLL_CTL_DEL &&
        !ub_user_copy_in(&event, ub_argument(frame, 3), sizeof event)) {
        return -EFAULT;
    }
    return ub_sys_epoll_ctl((int)ub_argument(frame, 0), operation, (int)ub_argument(frame, 2),
                            &event);
}
