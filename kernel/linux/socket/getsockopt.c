/* getsockopt(2). */
#include <sys/socket.h>

#include <unibuild/linux_call.h>

#define LARGEST 64U

long ub_sys_getsockopt(long descriptor, long level, long name, long value, long size);

UB_LINUX_CALL(getsockopt)
{
    _Alignas(8) char value[LARGEST];
    int room;
    if (!ub_user_copy_in(&room, ub_argument(frame, 4), sizeof room)) {
        return -EFAULT;
    }
    if (room < 0) {
        return -EINVAL;
    }
    socklen_t size = (unsigned)room < LARGEST ? (socklen_t)room : LARGEST;
    long result = ub_sys_getsockopt((int)ub_argument(frame, 0), (int)ub_argument(frame, 1),
                                    (int)ub_argument(frame, 2), (long)value, (long)&size);
    if (result == 0 && !(ub_user_copy_out(ub_argument(frame, 3), value, size) &&
                         ub_user_copy_out(ub_argument(frame, 4), &size, sizeof size))) {
        return -EFAULT;
    }
    return result;
}
