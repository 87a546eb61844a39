/* What the processor refuses becomes a signal to the thread. Codes as Linux's x86 traps give them.
 */
#include <signal.h>
#include <stddef.h>

#include <unibuild/program_memory.h>
#include <unibuild/user.h>

#include "signals.h"

enum {
    DIVIDE = 0,
    DEBUG = 1,
    INVALID_OPCODE = 6,
    PAGE = 14,
    FLOATING_POINT = 16,
    ALIGNMENT = 17,
    VECTOR = 19,
};

#define PAGE_FAULT_PROTECTION 1UL

void ub_signal_force(struct ub_exception_frame *frame, const struct signal_information *information)
{
    struct ub_thread *self = ub_thread_current();
    int signal = information->signal;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct signal_action *slot = &ub_linux_signal_actions[signal];
    struct signal_action action = *slot;
    bool blocked = (self->signal_mask & BIT(signal)) != 0;
    if ((slot->flags & SA_RESETHAND) && slot->handler > (uint64_t)SIG_IGN) {
        slot->handler = (uint64_t)SIG_DFL;
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (blocked || action.handler <= (uint64_t)SIG_IGN) {
        ub_user_end(frame, signal, information->address);
    }
    ub_signal_handle(frame, &action, information);
}

/* The lowest of the six exceptions that is raised and not masked. */
static int float_code(unsigned raised)
{
    if (raised & 0x01) {
        return FPE_FLTINV;
    }
    if (raised & 0x04) {
        return FPE_FLTDIV;
    }
    if (raised & 0x08) {
        return FPE_FLTOVF;
    }
    if (raised & 0x12) {
        return FPE_FLTUND;
    }
    return (raised & 0x20) ? FPE_FLTRES : 0;
}

/* The state is still the thread's: the kernel touches no vector register. */
static int x87_code(void)
{
    uint16_t status, control;
    __asm__ volatile("fnstsw %0\n\tfnstcw %1" : "=m"(status), "=m"(control));
    return float_code(status & ~(unsigned)control);
}

static int vector_code(void)
{
    uint32_t control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    return float_code(control & ~(control >> 7));
}

static void tell_page_fault(struct signal_information *information, uint64_t address)
{
    information->address = address;
    switch (address < UB_USER_END ? ub_program_fault_reason(address) : UB_PROGRAM_NOTHING) {
    case UB_PROGRAM_BEYOND_FILE:
        information->signal = SIGBUS;
        information->code = BUS_ADRERR;
        break;
    case UB_PROGRAM_DENIED:
        information->code = SEGV_ACCERR;
        break;
    default:
        information->code = SEGV_MAPERR;
        break;
    }
}

/* What is not told apart here has no address: its cause is no operand in memory. */
static struct signal_information information_of(const struct ub_exception_frame *frame,
                                                uint64_t address)
{
    struct signal_information information = {
        .signal = ub_user_fault_signal(frame),
        .code = SI_KERNEL,
    };
    switch (frame->vector) {
    case DIVIDE:
        information.code = FPE_INTDIV;
        break;
    case DEBUG:
        information.code = TRAP_TRACE;
        break;
    case INVALID_OPCODE:
        information.code = ILL_ILLOPN;
        break;
    case FLOATING_POINT:
        information.code = x87_code();
        break;
    case VECTOR:
        information.code = vector_code();
        break;
    case PAGE:
        tell_page_fault(&information, address);
        return information;
    case ALIGNMENT:
        information.code = BUS_ADRALN;
        return information;
    default:
        return information;
    }
    information.address = frame->instruction_pointer;
    return information;
}

void ub_user_fault(struct ub_exception_frame *frame, uint64_t address)
{
    struct ub_linux_thread *self = &ub_thread_current()->linux;
    self->fault_vector = frame->vector;
    self->fault_error = frame->error;
    if (frame->vector == PAGE) {
        self->fault_address = address;
        if (address >= UB_USER_END) {
            /* Nothing of the kernel's half is told, not even what of it there is. */
            self->fault_error |= PAGE_FAULT_PROTECTION;
        }
    }
    const struct signal_information information = information_of(frame, address);
    ub_signal_force(frame, &information);
}
