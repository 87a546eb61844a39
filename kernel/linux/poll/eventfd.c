/* eventfd(2). */
#include <unibuild/linux_call.h>

long ub_sys_eventfd2(unsigned long value, long flags);

UB_LINUX_CALL(eventfd)
{
    return ub_sys_eventfd2(ub_argument(frame, 0), 0);
}
