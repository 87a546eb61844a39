/* pselect6(2): its last argument is the address of the mask's address and size. */
#include <unibuild/linux_call.h>

#include "wait.h"

static long read_mask(uint64_t address)
{
    uint64_t mask[2]; /* where, and how many bytes */
    if (address == 0) {
        return 0;
    }
    return ub_user_copy_in(mask, address, sizeof mask) ? ub_linux_wait_mask(mask[0], mask[1])
                                                       : -EFAULT;
}

UB_LINUX_CALL(pselect6)
{
    uint64_t deadline;
    long result = ub_linux_timespec_in(ub_argument(frame, 4), &deadline);
    if (result == 0) {
        result = read_mask(ub_argument(frame, 5));
    }
    if (result == 0) {
        result = ub_linux_select_until(frame, deadline);
        ub_linux_timespec_out(ub_argument(frame, 4), deadline);
    }
    return result;
}
