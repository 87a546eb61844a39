/* clone(2), with the arguments in the order that x86-64 has them. */
#include <errno.h>
#include <sched.h>

#include <unibuild/linux_call.h>

#include "threads.h"

#define EXIT_SIGNAL 0xffUL

UB_LINUX_CALL(clone)
{
    const struct clone_request request = {
        .flags = (uint32_t)ub_argument(frame, 0) & ~EXIT_SIGNAL,
        .stack_pointer = ub_argument(frame, 1),
        .parent_tid = ub_argument(frame, 2),
        .child_tid = ub_argument(frame, 3),
        .thread_pointer = ub_argument(frame, 4),
    };
    return ub_linux_clone_thread(frame, &request);
}
