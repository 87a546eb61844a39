/* accept4(2). */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(accept4)
{
    return ub_linux_accept_from(frame, (int)ub_argument(frame, 3));
}
