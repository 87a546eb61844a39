/* What comes from ring 3, and the faults and interrupts of ring 0 in the same images. */
#include "internal.h"

#include <unibuild/interrupt.h>
#include <unibuild/registers.h>
#include <unibuild/scheduler.h>

#include <signal.h>

#define VECTOR_DEBUG 1
#define VECTOR_NMI 2
#define VECTOR_BREAKPOINT 3
#define VECTOR_INVALID_OPCODE 6
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_INVALID_TASK 10
#define VECTOR_STACK_FAULT 12
#define VECTOR_PAGE_FAULT 14
#define VECTOR_FLOAT 16
#define VECTOR_ALIGNMENT 17
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_VECTOR_FLOAT 19
#define VECTOR_FIRST_INTERRUPT 32

#define USER_CODE 0x33
#define USER_DATA 0x2b

#define FLAG_TRAP (1UL << 8)
#define FLAG_INTERRUPT (1UL << 9)
#define FLAG_RESUME (1UL << 16)
#define FLAG_ALWAYS (1UL << 1)
/* CF PF AF ZF SF TF DF OF RF AC: what ring 3 can have in any state. */
#define FLAGS_OF_PROGRAM 0x50dd5UL

/* Linked only where something has threads or handles signals. */
#pragma weak ub_preempt
#pragma weak ub_user_fault
#pragma weak ub_user_leave
/* Strong, for the controllers must be silent or served: ring 3 runs with interrupts enabled. */
void ub_interrupt_dispatch(uint64_t vector);

/* For entry.S. */
void ub_user_trapped(struct ub_exception_frame *frame);
void ub_user_kernel_fault(struct ub_exception_frame *frame);
void ub_user_interrupt(struct ub_exception_frame *frame);
bool ub_user_called(struct ub_exception_frame *frame);

struct ub_exception_frame *ub_user_frame(void)
{
    return (struct ub_exception_frame *)ub_user_cpu()->stack_top - 1;
}

bool ub_user_frame_check(struct ub_exception_frame *frame)
{
    frame->code_segment = USER_CODE;
    frame->stack_segment = USER_DATA;
    frame->flags = (frame->flags & FLAGS_OF_PROGRAM) | FLAG_INTERRUPT | FLAG_ALWAYS;
    return frame->instruction_pointer < UB_USER_END;
}

int ub_user_fault_signal(const struct ub_exception_frame *frame)
{
    switch (frame->vector) {
    case 0:
    case VECTOR_FLOAT:
    case VECTOR_VECTOR_FLOAT:
        return SIGFPE;
    case VECTOR_DEBUG:
    case VECTOR_BREAKPOINT:
        return SIGTRAP;
    case VECTOR_INVALID_OPCODE:
        return SIGILL;
    case VECTOR_INVALID_TASK:
    case VECTOR_INVALID_TASK + 1:
    case VECTOR_STACK_FAULT:
    case VECTOR_ALIGNMENT:
        return SIGBUS;
    default:
        return SIGSEGV;
    }
}

static bool is_pending(void)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    return thread != NULL && thread->leave && ub_user_leave != NULL;
}

void ub_user_settle(struct ub_exception_frame *frame)
{
    while (is_pending()) {
        ub_interrupt_enable();
        ub_user_leave(frame);
        (void)ub_interrupt_disable();
    }
}

void ub_user_interrupt(struct ub_exception_frame *frame)
{
    struct ub_cpu *cpu = ub_cpu_current();
    cpu->interrupt_depth++;
    ub_interrupt_dispatch(frame->vector);
    cpu->interrupt_depth--;
    if (cpu->interrupt_depth == 0 && cpu->preempt_requested && cpu->preempt_count == 0) {
        cpu->preempt_requested = 0;
        ub_preempt();
    }
}

/* An address of the kernel's is nothing to resolve: the program has no right to it. */
static bool is_resolved(const struct ub_exception_frame *frame, uint64_t address)
{
    return frame->vector == VECTOR_PAGE_FAULT && address < UB_USER_END &&
           ub_page_fault_resolve(address, frame->error);
}

void ub_user_trapped(struct ub_exception_frame *frame)
{
    if (frame->vector >= VECTOR_FIRST_INTERRUPT) {
        ub_user_interrupt(frame);
        ub_user_settle(frame);
        return;
    }
    if (frame->vector == VECTOR_NMI || frame->vector == VECTOR_DOUBLE_FAULT ||
        frame->vector == VECTOR_MACHINE_CHECK) {
        ub_exception_report(frame);
    }
    uint64_t address = frame->vector == VECTOR_PAGE_FAULT ? ub_control2_read() : 0;
    if (!is_resolved(frame, address)) {
        ub_interrupt_enable();
        if (ub_user_fault == NULL) {
            ub_user_end(frame, ub_user_fault_signal(frame), address);
        }
        ub_user_fault(frame, address);
        (void)ub_interrupt_disable();
    }
    ub_user_settle(frame);
}

/*
 * The kernel touches the program's half in copy.S only; anywhere else an address there is a mistake
 * of the kernel, even one that could be resolved.
 */
void ub_user_kernel_fault(struct ub_exception_frame *frame)
{
    if (frame->vector != VECTOR_PAGE_FAULT) {
        ub_exception_report(frame);
    }
    uint64_t address = ub_control2_read();
    bool of_program = address < UB_USER_END;
    bool copying = frame->instruction_pointer >= (uint64_t)ub_user_access_start &&
                   frame->instruction_pointer < (uint64_t)ub_user_access_end;
    if ((copying || !of_program) && ub_page_fault_resolve(address, frame->error)) {
        return;
    }
    if (!copying || !of_program) {
        ub_exception_report(frame);
    }
    frame->instruction_pointer = (uint64_t)ub_user_access_fault;
}

/*
 * True when `sysret` may end the call: it takes RCX and R11 for the instruction pointer and the
 * flags, loads fixed segments, and faults in ring 0 when RCX is not canonical.
 */
bool ub_user_called(struct ub_exception_frame *frame)
{
    ub_interrupt_enable();
    ub_user_call(frame);
    (void)ub_interrupt_disable();
    ub_user_settle(frame);
    return frame->vector == UB_VECTOR_CALL && frame->rcx == frame->instruction_pointer &&
           frame->r11 == frame->flags && frame->instruction_pointer < UB_USER_END &&
           (frame->flags & (FLAG_TRAP | FLAG_RESUME)) == 0;
}
