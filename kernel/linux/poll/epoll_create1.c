/* epoll_create1(2). */
#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(epoll_create1, ub_sys_epoll_create1, {UB_SHAPE_VALUE, 0})
