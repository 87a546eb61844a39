/* listen(2). */
#include <unibuild/linux_call.h>

long ub_sys_listen(long descriptor, long number);

UB_LINUX_CALL(listen)
{
    return ub_sys_listen((int)ub_argument(frame, 0), (int)ub_argument(frame, 1));
}
