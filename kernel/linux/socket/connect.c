/* connect(2). */
#include <unibuild/linux_call.h>

#include "address.h"

long ub_sys_connect(long descriptor, long address, long size);

UB_LINUX_CALL(connect)
{
    struct ub_linux_address name;
    long result = ub_linux_address_in(&name, ub_argument(frame, 1), ub_argument(frame, 2));
    return result != 0 ? result
                       : ub_sys_connect((int)ub_argument(frame, 0), (long)name.bytes, name.size);
}
