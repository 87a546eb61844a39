/*
 * Threads of the program: clone(2) as pthread_create needs it, a thread in the same address space
 * on a stack that the caller brings. A process is refused with -ENOSYS, anything else that clone
 * can make with -EINVAL. The image ends when the last of these threads ends (main is the first), or
 * by exit_group.
 *
 * A program that makes no threads links none of this.
 */
#ifndef UNIBUILD_CLONE_H
#define UNIBUILD_CLONE_H

#include <stddef.h>

/* The calling thread ends; the image too, with `status`, when it was the last. What exit(2) does.
 */
_Noreturn void ub_thread_exit_program(int status);

/* The same for a detached thread, which has nobody to unmap its stack: the mapping
 * [address, address + size) is given back once the thread has left it. What the C library's
 * __unmapself calls. */
_Noreturn void ub_sys_exit_unmap(void *address, size_t size);

#endif
