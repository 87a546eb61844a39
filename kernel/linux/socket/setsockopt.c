/* setsockopt(2). No option's value is longer than what is copied. */
#include <unibuild/linux_call.h>

#define LARGEST 64U

long ub_sys_setsockopt(long descriptor, long level, long name, long value, long size);

UB_LINUX_CALL(setsockopt)
{
    _Alignas(8) char value[LARGEST];
    int size = (int)ub_argument(frame, 4);
    if (size < 0) {
        return -EINVAL;
    }
    size_t part = (unsigned)size < LARGEST ? (unsigned)size : LARGEST;
    if (!ub_user_copy_in(value, ub_argument(frame, 3), part)) {
        return -EFAULT;
    }
    return ub_sys_setsockopt((int)ub_argument(frame, 0), (int)ub_argument(frame, 1),
                             (int)ub_argument(frame, 2), (long)value, (long)part);
}
