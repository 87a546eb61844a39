/* select(2). */
#include <unibuild/linux_call.h>

#include "wait.h"

UB_LINUX_CALL(select)
{
    uint64_t deadline;
    long result = ub_linux_timeval_in(ub_argument(frame, 4), &deadline);
    if (result == 0) {
        result = ub_linux_select_until(frame, deadline);
        ub_linux_timeval_out(ub_argument(frame, 4), deadline);
    }
    return result;
}
