/* sendmsg(2). */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(sendmsg)
{
    struct ub_linux_header header;
    if (!ub_user_copy_in(&header, ub_argument(frame, 1), sizeof header)) {
        return -EFAULT;
    }
    return ub_linux_send_header((int)ub_argument(frame, 0), &header,
                                (unsigned)ub_argument(frame, 2));
}
