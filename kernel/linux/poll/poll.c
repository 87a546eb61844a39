/* poll(2). */
#include <unibuild/linux_call.h>

#include "wait.h"

UB_LINUX_CALL(poll)
{
    return ub_linux_poll_until(ub_argument(frame, 0), ub_argument(frame, 1),
                               ub_linux_milliseconds(ub_argument(frame, 2)));
}
