/* socket(2). */
#include <unibuild/linux_call.h>

long ub_sys_socket(long domain, long type, long protocol);

UB_LINUX_CALL(socket)
{
    return ub_sys_socket((int)ub_argument(frame, 0), (int)ub_argument(frame, 1),
                         (int)ub_argument(frame, 2));
}
