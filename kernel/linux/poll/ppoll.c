/* ppoll(2). */
#include <unibuild/linux_call.h>

#include "wait.h"

UB_LINUX_CALL(ppoll)
{
    uint64_t deadline;
    long result = ub_linux_timespec_in(ub_argument(frame, 2), &deadline);
    if (result == 0) {
        result = ub_linux_wait_mask(ub_argument(frame, 3), ub_argument(frame, 4));
    }
    if (result == 0) {
        result = ub_linux_poll_until(ub_argument(frame, 0), ub_argument(frame, 1), deadline);
        ub_linux_timespec_out(ub_argument(frame, 2), deadline);
    }
    return result;
}
