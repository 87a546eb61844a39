/* socketpair(2). */
#include <unibuild/linux_call.h>

long ub_sys_socketpair(long domain, long type, long protocol, long descriptors);
long ub_sys_close(long descriptor);

UB_LINUX_CALL(socketpair)
{
    int descriptors[2];
    long result = ub_sys_socketpair((int)ub_argument(frame, 0), (int)ub_argument(frame, 1),
                                    (int)ub_argument(frame, 2), (long)descriptors);
    if (result == 0 && !ub_user_copy_out(ub_argument(frame, 3), descriptors, sizeof descriptors)) {
        (void)ub_sys_close(descriptors[0]);
        (void)ub_sys_close(descriptors[1]);
        return -EFAULT;
    }
    return result;
}
