/*
 * The end of a detached thread, which has to give back the stack it runs on. System calls being C
 * calls, they need a stack; so this is one entry point of the kernel's own that ends the thread and
 * unmaps its memory from another stack.
 */
#include "pthread_impl.h"
#include "syscall.h"

long ub_sys_exit_unmap(void *base, size_t size);

_Noreturn void __unmapself(void *base, size_t size)
{
    ub_sys_exit_unmap(base, size);
    for (;;) {
        a_crash();
    }
}
