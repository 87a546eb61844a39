/* shutdown(2). */
#include <unibuild/linux_call.h>

long ub_sys_shutdown(long descriptor, long number);

UB_LINUX_CALL(shutdown)
{
    return ub_sys_shutdown((int)ub_argument(frame, 0), (int)ub_argument(frame, 1));
}
