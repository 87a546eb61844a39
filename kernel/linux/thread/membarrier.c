/*
 * membarrier(2): what it promises about other processors' view of memory holds as long as there is
 * one, on which each switch between threads is a full barrier.
 */
#include <unibuild/linux_call.h>
#include <unibuild/thread.h>

_Static_assert(UB_PROCESSORS == 1, "with more, membarrier has to interrupt the others");

#define QUERY 0
/* GLOBAL, GLOBAL_EXPEDITED, PRIVATE_EXPEDITED and PRIVATE_EXPEDITED_SYNC_CORE with the commands
 * that register for them. */
#define COMMANDS 0x7fL

UB_LINUX_CALL(membarrier)
{
    long command = (int)ub_argument(frame, 0);
    if (ub_argument(frame, 1) != 0) {
        return -EINVAL;
    }
    if (command == QUERY) {
        return COMMANDS;
    }
    return command > 0 && (command & COMMANDS) != 0 && (command & (command - 1)) == 0 ? 0 : -EINVAL;
}
