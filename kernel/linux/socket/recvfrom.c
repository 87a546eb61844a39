/* recvfrom(2). */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(recvfrom)
{
    struct ub_linux_vector vector;
    struct ub_linux_extra extra = {.flags = 0};
    ub_linux_vector_one(&vector, ub_argument(frame, 1), ub_argument(frame, 2));
    long result = ub_linux_receive((int)ub_argument(frame, 0), &vector,
                                   (unsigned)ub_argument(frame, 3), &extra);
    if (result >= 0) {
        long error =
            ub_linux_address_out(&extra.name, ub_argument(frame, 4), ub_argument(frame, 5));
        result = error != 0 ? error : result;
    }
    return result;
}
