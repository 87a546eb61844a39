/* Building the frame of a signal and taking it down again. */
#include <signal.h>

#include <unibuild/linux_signal.h>
#include <unibuild/user.h>

#include "frame.h"

#define FLAG_TRAP (1UL << 8)
#define FLAG_DIRECTION (1UL << 10)
#define FLAG_RESUME (1UL << 16)
#define NO_RESTORER 0x04000000UL /* SA_RESTORER */

uint64_t ub_signal_frame_size(void)
{
    return RED_ZONE + ub_user_vector_size() + VECTOR_ALIGNMENT - 1 + sizeof(struct signal_frame) +
           15;
}

/* Where the vector state and the frame go; false when the alternate stack is too small. */
static bool place(const struct ub_exception_frame *frame, const struct signal_action *action,
                  uint64_t *vectors, uint64_t *where)
{
    const struct ub_thread *self = ub_thread_current();
    uint64_t at = frame->stack_pointer - RED_ZONE;
    bool alternate = ub_signal_on_stack(self, at);
    if ((action->flags & SA_ONSTACK) && self->linux.stack_size != 0 &&
        (!alternate || (self->linux.stack_flags & SS_AUTODISARM) != 0)) {
        at = self->linux.stack_base + self->linux.stack_size;
        alternate = true;
    }
    *vectors = (at - ub_user_vector_size()) & ~(VECTOR_ALIGNMENT - 1);
    *where = ((*vectors - sizeof(struct signal_frame)) & ~15UL) - 8;
    return !alternate || ub_signal_on_stack(self, *where);
}

static struct signal_registers registers_of(const struct ub_exception_frame *frame)
{
    const struct ub_linux_thread *self = &ub_thread_current()->linux;
    return (struct signal_registers){
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rdi = frame->rdi,
        .rsi = frame->rsi,
        .rbp = frame->rbp,
        .rbx = frame->rbx,
        .rdx = frame->rdx,
        .rax = frame->rax,
        .rcx = frame->rcx,
        .rsp = frame->stack_pointer,
        .rip = frame->instruction_pointer,
        .flags = frame->flags,
        .cs = (uint16_t)frame->code_segment,
        .ss = (uint16_t)frame->stack_segment,
        .error = self->fault_error,
        .trap = self->fault_vector,
        .cr2 = self->fault_address,
    };
}

bool ub_signal_frame_push(struct ub_exception_frame *frame, const struct signal_action *action,
                          const struct signal_information *information, uint64_t mask)
{
    struct ub_thread *self = ub_thread_current();
    uint64_t vectors, where;
    if ((action->flags & NO_RESTORER) == 0 || !place(frame, action, &vectors, &where) ||
        !ub_user_vector_save(vectors)) {
        return false;
    }
    struct signal_frame built = {
        .return_address = action->restorer,
        .context = {.flags = CONTEXT_STACK_SEGMENT | CONTEXT_STRICT_SEGMENT |
                             (ub_user_vector_size() > VECTOR_SIZE_LEGACY ? CONTEXT_XSAVE : 0),
                    .stack = ub_signal_stack_of(self),
                    .registers = registers_of(frame),
                    .mask = mask},
        .information = *information,
    };
    built.context.registers.old_mask = mask;
    built.context.registers.vector_state = vectors;
    if (!ub_user_copy_out(where, &built, sizeof built)) {
        return false;
    }
    if (self->linux.stack_flags & SS_AUTODISARM) {
        self->linux.stack_base = self->linux.stack_size = self->linux.stack_flags = 0;
    }
    (void)ub_user_vector_restore(0);
    frame->rdi = (uint64_t)information->signal;
    frame->rsi = where + offsetof(struct signal_frame, information);
    frame->rdx = where + offsetof(struct signal_frame, context);
    frame->rax = 0;
    frame->instruction_pointer = action->handler;
    frame->stack_pointer = where;
    frame->flags &= ~(FLAG_TRAP | FLAG_DIRECTION | FLAG_RESUME);
    return ub_user_frame_check(frame);
}

bool ub_signal_frame_pop(struct ub_exception_frame *frame, uint64_t address, uint64_t *mask)
{
    struct signal_context context;
    if (!ub_user_copy_in(&context, address + offsetof(struct signal_frame, context),
                         sizeof context)) {
        return false;
    }
    const struct signal_registers *from = &context.registers;
    *mask = context.mask;
    frame->r8 = from->r8;
    frame->r9 = from->r9;
    frame->r10 = from->r10;
    frame->r11 = from->r11;
    frame->r12 = from->r12;
    frame->r13 = from->r13;
    frame->r14 = from->r14;
    frame->r15 = from->r15;
    frame->rdi = from->rdi;
    frame->rsi = from->rsi;
    frame->rbp = from->rbp;
    frame->rbx = from->rbx;
    frame->rdx = from->rdx;
    frame->rax = from->rax;
    frame->rcx = from->rcx;
    frame->stack_pointer = from->rsp;
    frame->instruction_pointer = from->rip;
    frame->flags = from->flags;
    if (!ub_user_frame_check(frame)) {
        return false;
    }
    if (!ub_user_vector_restore(from->vector_state)) {
        return false;
    }
    /* Like Linux, without a look at the answer: on the stack itself it stays as it is. */
    (void)ub_signal_stack_set(ub_thread_current(), &context.stack, frame->stack_pointer);
    return true;
}
