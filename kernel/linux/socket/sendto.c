/* sendto(2). */
#include <unibuild/linux_call.h>

#include "message.h"

UB_LINUX_CALL(sendto)
{
    struct ub_linux_vector vector;
    struct ub_linux_extra extra = {.flags = 0};
    long result = 0;
    ub_linux_vector_one(&vector, ub_argument(frame, 1), ub_argument(frame, 2));
    if (ub_argument(frame, 4) != 0) {
        result = ub_linux_address_in(&extra.name, ub_argument(frame, 4), ub_argument(frame, 5));
    }
    return result != 0 ? result
                       : ub_linux_send((int)ub_argument(frame, 0), &vector,
                                       (unsigned)ub_argument(frame, 3), &extra);
}
