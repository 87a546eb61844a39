/*
 * Contexts: what a processor needs to leave one flow of control and take up another.
 *
 * A switch is a plain C call, so only callee-saved registers, the stack pointer, the control words
 * of x87 and SSE and the thread pointer (FS base) are kept. The full vector state of a thread that
 * an interrupt cut short is saved by the interrupt's return path (see ub_preempt), not here.
 */
#ifndef UNIBUILD_CONTEXT_H
#define UNIBUILD_CONTEXT_H

#include <stdint.h>

struct ub_context {
    uint64_t stack_pointer;
    uint64_t thread_pointer; /* FS base: musl's thread structure, 0 for a kernel thread */
};

/*
 * Leaves the running context in `from` and continues `to`. Called with interrupts disabled; `to`
 * goes on where it called ub_context_switch, interrupts disabled too. from != to.
 */
void ub_context_switch(struct ub_context *from, struct ub_context *to);

/*
 * Makes a new context that calls `entry(argument)` on the stack whose end (highest address, 16-byte
 * aligned) is `stack_top`, with interrupts enabled, default control words and the given thread
 * pointer. `entry` must not return.
 */
void ub_context_prepare(struct ub_context *context, void *stack_top, void (*entry)(void *),
                        void *argument, uint64_t thread_pointer);

/* The running context's thread pointer; setting it is also what arch_prctl(ARCH_SET_FS) does. */
uint64_t ub_thread_pointer_get(void);
void ub_thread_pointer_set(uint64_t thread_pointer);

#endif
