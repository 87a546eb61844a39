/* What the parts of kernel/memory share with each other only. */
#ifndef UNIBUILD_MEMORY_INTERNAL_H
#define UNIBUILD_MEMORY_INTERNAL_H

#include <unibuild/memory.h>

#include <stdbool.h>

/*
 * A program's stack gets its pages when it is first touched, and that is a page fault which takes
 * the address space's lock and then the page allocator's. System calls run on the program's stack,
 * so a function that takes one of these locks first touches the stack below its deepest frame: then
 * no such fault can come while it holds the lock. Frames under the page allocator's lock need less
 * than UB_STACK_PROBE_DEPTH; those under the address space's lock need less before they reach a
 * function that probes by itself, so twice that covers both.
 */
#define UB_STACK_PROBE_DEPTH 2048

static inline void ub_stack_probe(void)
{
    __asm__ volatile("orq $0, -%c0(%%rsp)" : : "i"(UB_STACK_PROBE_DEPTH) : "memory", "cc");
}

static inline void ub_stack_probe_twice(void)
{
    __asm__ volatile("orq $0, -%c0(%%rsp)\n\torq $0, -2*%c0(%%rsp)"
                     :
                     : "i"(UB_STACK_PROBE_DEPTH)
                     : "memory", "cc");
}

#endif
