/* recvmsg(2). */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(recvmsg)
{
    struct ub_linux_header header;
    uint64_t at = ub_argument(frame, 1);
    if (!ub_user_copy_in(&header, at, sizeof header)) {
        return -EFAULT;
    }
    return ub_linux_receive_header((int)ub_argument(frame, 0), at, &header,
                                   (unsigned)ub_argument(frame, 2));
}
