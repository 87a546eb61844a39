/*
 * A new thread as a C call. Linux's clone returns twice, which only an instruction can do; here the
 * entry point gets the address where the child begins as its sixth argument, and the child begins
 * there on its own stack with that stack's end as the first argument.
 */
#include <stdarg.h>
#include <stdint.h>

#include "pthread_impl.h"
#include "syscall.h"

struct start {
    int (*function)(void *);
    void *argument;
};

static _Noreturn void begin(const struct start *start)
{
    __syscall(SYS_exit, start->function(start->argument));
    for (;;) {
        a_crash();
    }
}

int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
    va_list rest;
    va_start(rest, argument);
    pid_t *parent_id = va_arg(rest, pid_t *);
    void *thread_pointer = va_arg(rest, void *);
    pid_t *child_id = va_arg(rest, pid_t *);
    va_end(rest);
    struct start *start = (struct start *)((uintptr_t)stack & -16UL) - 1;
    start->function = function;
    start->argument = argument;
    return __syscall(SYS_clone, flags, start, parent_id, child_id, thread_pointer, begin);
}
