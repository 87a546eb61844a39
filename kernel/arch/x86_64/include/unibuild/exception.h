/*
 * Exceptions: what the processor reports when an instruction cannot be carried out.
 *
 * Each is fatal and ends the image with a report and a backtrace, but for a page fault that
 * kernel/memory resolves (the first touch of program memory). Double fault, NMI and page fault run
 * on stacks of their own, each above a guard page, so that running out of stack is reported too.
 */
#ifndef UNIBUILD_EXCEPTION_H
#define UNIBUILD_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

/* As pushed by exception.S; the processor's own part begins at instruction_pointer. */
struct ub_exception_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector;
    uint64_t error;
    uint64_t instruction_pointer, code_segment, flags, stack_pointer, stack_segment;
};
_Static_assert(sizeof(struct ub_exception_frame) == 22 * 8, "exception.S pushes 22 words");

/* Gives a vector its handler's address; `stack` is 0, or 1..4 for a stack of its own. */
void ub_gate_set(unsigned vector, const void *address, unsigned stack);
/* The stack for interrupts: room for the processor's frame, which the stub moves away at once. */
#define UB_STACK_INTERRUPT 4

/* Descriptor tables, exceptions and the processor's protections. Once a processor, at boot. */
void ub_cpu_initialize(void);

/* The report of an exception that nothing resolves, and the machine's stop. */
_Noreturn void ub_exception_report(const struct ub_exception_frame *frame);

/* For images with ring 3: the program may raise `vector` by an instruction (int3). */
void ub_gate_open(unsigned vector);
/* Where the processor's stack begins when it comes from ring 3. */
void ub_privilege_stack_set(uint64_t top);
/*
 * Loads a descriptor table that has the segments of ring 3, too: data 0x2b and code 0x33, in the
 * order that sysret wants, and numbered as Linux programs may know them.
 */
void ub_user_segments_load(void);

/*
 * Resolves a fault at `address` that was not a protection violation; false when the address is not
 * the program's. Weak here (false); kernel/memory has the real one where mmap is linked.
 */
bool ub_page_fault_resolve(uint64_t address, uint64_t error);

#endif
