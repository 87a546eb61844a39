/* sigaltstack(2): the stack for handlers that ask for it, each thread's own. */
#include <errno.h>
#include <signal.h>

#include <unibuild/linux_call.h>

#include "signals.h"

#define ANY_FLAGS ((int32_t)SS_AUTODISARM)

bool ub_signal_on_stack(const struct ub_thread *thread, uint64_t stack_pointer)
{
    uint64_t base = thread->linux.stack_base;
    return stack_pointer > base && stack_pointer - base <= thread->linux.stack_size;
}

struct signal_stack ub_signal_stack_of(const struct ub_thread *thread)
{
    return (struct signal_stack){
        .pointer = thread->linux.stack_base,
        .flags = thread->linux.stack_size == 0 ? SS_DISABLE : (int32_t)thread->linux.stack_flags,
        .size = thread->linux.stack_size,
    };
}

static bool in_use(const struct ub_thread *thread, uint64_t stack_pointer)
{
    return (thread->linux.stack_flags & (uint32_t)SS_AUTODISARM) == 0 &&
           ub_signal_on_stack(thread, stack_pointer);
}

long ub_signal_stack_set(struct ub_thread *thread, const struct signal_stack *stack,
                         uint64_t stack_pointer)
{
    int32_t mode = stack->flags & ~ANY_FLAGS;
    if (in_use(thread, stack_pointer)) {
        return -EPERM;
    }
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) {
        return -EINVAL;
    }
    if (mode == SS_DISABLE) {
        thread->linux.stack_base = thread->linux.stack_size = thread->linux.stack_flags = 0;
        return 0;
    }
    if (stack->size < MINSIGSTKSZ) {
        return -ENOMEM;
    }
    thread->linux.stack_base = stack->pointer;
    thread->linux.stack_size = stack->size;
    thread->linux.stack_flags = (uint32_t)stack->flags;
    return 0;
}

UB_LINUX_CALL(sigaltstack)
{
    struct ub_thread *self = ub_thread_current();
    uint64_t set = ub_argument(frame, 0);
    uint64_t previous = ub_argument(frame, 1);
    struct signal_stack stack;
    struct signal_stack before = ub_signal_stack_of(self);
    if (before.size != 0) {
        before.flags = (int32_t)(self->linux.stack_flags & (uint32_t)ANY_FLAGS) |
                       (in_use(self, frame->stack_pointer) ? SS_ONSTACK : 0);
    }
    if (set != 0) {
        if (!ub_user_copy_in(&stack, set, sizeof stack)) {
            return -EFAULT;
        }
        long error = ub_signal_stack_set(self, &stack, frame->stack_pointer);
        if (error != 0) {
            return error;
        }
    }
    return previous != 0 && !ub_user_copy_out(previous, &before, sizeof before) ? -EFAULT : 0;
}
