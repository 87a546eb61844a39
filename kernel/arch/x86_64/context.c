/* New contexts, and the running one's thread pointer. */
#include "entry.h"

#include <unibuild/context.h>
#include <unibuild/cpu.h>
#include <unibuild/interrupt.h>
#include <unibuild/registers.h>

#include <stddef.h>

/* What ub_context_switch finds on a stack, lowest address first. */
struct saved {
    uint32_t vector_control; /* MXCSR: all exceptions masked, round to nearest */
    uint16_t float_control;  /* x87: the same, extended precision */
    uint16_t unused;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
    uint64_t end_of_frames[2];
};
_Static_assert(sizeof(struct saved) == 80, "context.S pushes 8 words and finds a return address");
_Static_assert(offsetof(struct ub_context, thread_pointer) == 8, "used by context.S");
_Static_assert(offsetof(struct ub_cpu, thread_pointer) == 24, "used by context.S");

void ub_context_prepare(struct ub_context *context, void *stack_top, void (*entry)(void *),
                        void *argument, uint64_t thread_pointer)
{
    struct saved *saved = (struct saved *)stack_top - 1;
    *saved = (struct saved){
        .vector_control = 0x1f80,
        .float_control = 0x037f,
        .r12 = (uint64_t)entry,
        .r13 = (uint64_t)argument,
        .return_address = (uint64_t)ub_context_begin,
    };
    context->stack_pointer = (uint64_t)saved;
    context->thread_pointer = thread_pointer;
}

uint64_t ub_thread_pointer_get(void)
{
    return ub_cpu_current()->thread_pointer;
}

void ub_thread_pointer_set(uint64_t thread_pointer)
{
    unsigned long flags = ub_interrupt_disable();
    ub_cpu_current()->thread_pointer = thread_pointer;
    ub_msr_write(UB_MSR_FS_BASE, thread_pointer);
    ub_interrupt_restore(flags);
}
