/* accept and accept4. A connection whose address cannot be told is closed again, as Linux does. */
#include <unibuild/linux_call.h>

#include "address.h"
#include "message.h"

long ub_sys_accept4(long descriptor, long address, long size, long flags);
long ub_sys_close(long descriptor);

long ub_linux_accept_from(const struct ub_exception_frame *frame, long flags)
{
    struct ub_linux_address peer = {.size = sizeof peer.bytes};
    uint64_t to = ub_argument(frame, 1);
    long descriptor =
        ub_sys_accept4((int)ub_argument(frame, 0), (long)peer.bytes, (long)&peer.size, flags);
    if (descriptor < 0) {
        return descriptor;
    }
    long result = ub_linux_address_out(&peer, to, ub_argument(frame, 2));
    if (result != 0) {
        (void)ub_sys_close(descriptor);
        return result;
    }
    return descriptor;
}
