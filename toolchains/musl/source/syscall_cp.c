/*
 * A cancellation point. musl asks that the test of the flag and the system call lie between two
 * labels, so that a signal handler can tell whether the call has begun. The kernel runs a handler
 * only where a wait ends: one that comes between test and call ends the call's wait with EINTR,
 * which musl takes for cancellation. The labels mark an empty range.
 */
#include "pthread_impl.h"
#include "syscall.h"

hidden long __cancel(void);
hidden extern const char __cp_begin[1], __cp_end[1], __cp_cancel[1];
const char __cp_begin[1], __cp_end[1], __cp_cancel[1];

hidden long __syscall_cp_asm(volatile int *cancel, syscall_arg_t nr, syscall_arg_t u,
                             syscall_arg_t v, syscall_arg_t w, syscall_arg_t x, syscall_arg_t y,
                             syscall_arg_t z)
{
    return *cancel ? __cancel() : __syscall(nr, u, v, w, x, y, z);
}
