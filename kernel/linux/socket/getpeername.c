/* getpeername(2). */
#include <unibuild/linux_call.h>

#include "address.h"

long ub_sys_getpeername(long descriptor, long address, long size);

UB_LINUX_CALL(getpeername)
{
    return ub_linux_name(frame, ub_sys_getpeername);
}
