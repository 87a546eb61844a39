/* accept(2). */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(accept)
{
    return ub_linux_accept_from(frame, 0);
}
