/* The alternate stack is recorded and told back; handlers run on the thread's own stack. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

long ub_sys_sigaltstack(const stack_t *stack, stack_t *previous)
{
    static stack_t current = {.ss_flags = SS_DISABLE};
    stack_t before = current;
    if (stack != NULL) {
        if (stack->ss_flags & ~SS_DISABLE) {
            return -EINVAL;
        }
        if (!(stack->ss_flags & SS_DISABLE) && stack->ss_size < MINSIGSTKSZ) {
            return -ENOMEM;
        }
        current = *stack;
    }
    if (previous != NULL) {
        *previous = before;
    }
    return 0;
}
