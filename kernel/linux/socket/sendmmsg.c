/* sendmmsg(2): as many messages as can be sent; an error only when that is none. */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(sendmmsg)
{
    unsigned wanted = (unsigned)ub_argument(frame, 2);
    wanted = wanted < UB_LINUX_MULTIPLE_MAXIMUM ? wanted : UB_LINUX_MULTIPLE_MAXIMUM;
    long result = 0;
    unsigned done = 0;
    for (uint64_t at = ub_argument(frame, 1); done < wanted; done++) {
        struct ub_linux_header header;
        result = ub_user_copy_in(&header, at, sizeof header)
                     ? ub_linux_send_header((int)ub_argument(frame, 0), &header,
                                            (unsigned)ub_argument(frame, 3))
                     : -EFAULT;
        if (result < 0) {
            break;
        }
        uint32_t length = (uint32_t)result;
        if (!ub_user_copy_out(at + offsetof(struct ub_linux_multiple, length), &length,
                              sizeof length)) {
            result = -EFAULT;
            break;
        }
        at += sizeof(struct ub_linux_multiple);
    }
    return done != 0 ? (long)done : result;
}
