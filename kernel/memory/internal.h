/* What the parts of kernel/memory share with each other only. */
#ifndef UNIBUILD_MEMORY_INTERNAL_H
#define UNIBUILD_MEMORY_INTERNAL_H

#include <unibuild/memory.h>

#include <stdbool.h>

/*
 * A program's stack gets its pages when it is first touched, and that is a page fault which allocates.
 * The allocators run on the caller's stack; touching it below their deepest frame before they take
 * their lock makes sure that no such fault comes while they hold it.
 */
#define UB_STACK_PROBE_DEPTH 2048
static inline void ub_stack_probe(void)
{
    __asm__ volatile("orq $0, -%c0(%%rsp)" : : "i"(UB_STACK_PROBE_DEPTH) : "memory", "cc");
}

#endif
