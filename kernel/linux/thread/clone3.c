/* clone3(2): the same request as a structure that may grow. Source: linux/sched.h, uapi. */
#include <errno.h>
#include <sched.h>

#include <unibuild/linux_call.h>

#include "threads.h"

struct clone_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup; /* of later versions */
};

#define FIRST_SIZE 64
#define SIZE_LIMIT 4096

/* Copies what we know of; what a later version may have added must be zero. */
static long copy_in(struct clone_arguments *arguments, uint64_t address, uint64_t size)
{
    uint64_t word;
    if (size < FIRST_SIZE) {
        return -EINVAL;
    }
    if (size > SIZE_LIMIT) {
        return -E2BIG;
    }
    *arguments = (struct clone_arguments){0};
    if (!ub_user_copy_in(arguments, address, size < sizeof *arguments ? size : sizeof *arguments)) {
        return -EFAULT;
    }
    for (uint64_t at = sizeof *arguments; at < size; at += sizeof word) {
        word = 0;
        uint64_t left = size - at;
        if (!ub_user_copy_in(&word, address + at, left < sizeof word ? left : sizeof word)) {
            return -EFAULT;
        }
        if (word != 0) {
            return -E2BIG;
        }
    }
    return 0;
}

UB_LINUX_CALL(clone3)
{
    struct clone_arguments arguments;
    long error = copy_in(&arguments, ub_argument(frame, 0), ub_argument(frame, 1));
    if (error != 0) {
        return error;
    }
    if (arguments.set_tid_size != 0 || arguments.set_tid != 0 ||
        (arguments.flags & CLONE_DETACHED) != 0 ||
        ((arguments.flags & CLONE_THREAD) != 0 && arguments.exit_signal != 0) ||
        (arguments.stack == 0) != (arguments.stack_size == 0) ||
        arguments.stack + arguments.stack_size < arguments.stack) {
        return -EINVAL;
    }
    const struct clone_request request = {
        .flags = arguments.flags,
        .stack_pointer = arguments.stack + arguments.stack_size,
        .parent_tid = arguments.parent_tid,
        .child_tid = arguments.child_tid,
        .thread_pointer = arguments.tls,
    };
    return ub_linux_clone_thread(frame, &request);
}
