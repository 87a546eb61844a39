/*
 * Threads of a program in ring 3, as clone(2) makes them. The image ends with exit_group, or with
 * the last of them; its status then is the main thread's, as a parent on Linux would see it.
 *
 * An image whose program cannot reach clone links none of this, and exit(2) is its end.
 */
#ifndef UNIBUILD_LINUX_THREADS_H
#define UNIBUILD_LINUX_THREADS_H

#include <stdint.h>

#include <unibuild/user.h>

/* What clone and clone3 are asked for, in the same words. */
struct clone_request {
    uint64_t flags;
    uint64_t stack_pointer; /* 0: the caller's */
    uint64_t parent_tid;
    uint64_t child_tid;
    uint64_t thread_pointer;
};

/* The child's id, or an error. */
long ub_linux_clone_thread(const struct ub_exception_frame *frame,
                           const struct clone_request *request);

/* Ends the calling thread: settles what it owes to other threads of the program first. */
_Noreturn void ub_linux_thread_end(int status);

/* Marks the mutexes of the calling thread's robust list as orphaned. */
void ub_linux_robust_end(void);

#endif
