/* Exceptions: resolve a page fault, or report and stop. */
#include <unibuild/cpu.h>
#include <unibuild/exception.h>
#include <unibuild/layout.h>
#include <unibuild/machine.h>
#include <unibuild/panic.h>
#include <unibuild/registers.h>

#define VECTOR_PAGE_FAULT 14

static const char *const vector_names[] = {
    "divide error",
    "debug",
    "nmi",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "device not available",
    "double fault",
    "vector 9",
    "invalid tss",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "vector 15",
    "floating point",
    "alignment check",
    "machine check",
    "simd floating point",
};

static bool reporting;

__attribute__((weak)) bool ub_page_fault_resolve(uint64_t address, uint64_t error)
{
    (void)address;
    (void)error;
    return false;
}

_Noreturn void ub_exception_report(const struct ub_exception_frame *frame)
{
    if (reporting) {
        ub_machine_stop();
    }
    reporting = true;
    const char *name = frame->vector < sizeof vector_names / sizeof *vector_names
                           ? vector_names[frame->vector]
                           : "reserved vector";
    ub_print("\n\x1e[unibuild] fault %s rip=%lx rsp=%lx rbp=%lx error=%lx cr2=%lx rax=%lx "
             "rbx=%lx rcx=%lx rdx=%lx rsi=%lx rdi=%lx\n",
             name, ub_image_shown(frame->instruction_pointer), frame->stack_pointer, frame->rbp,
             frame->error,
             frame->vector == VECTOR_PAGE_FAULT ? ub_image_shown(ub_control2_read()) : 0UL,
             frame->rax, frame->rbx, frame->rcx, frame->rdx, frame->rsi, frame->rdi);
    ub_print("\x1e[unibuild] frame %lx\n", ub_image_shown(frame->instruction_pointer));
    ub_backtrace((const void *)frame->rbp);
    ub_machine_stop();
}

void ub_exception(const struct ub_exception_frame *frame);

void ub_exception(const struct ub_exception_frame *frame)
{
    if (frame->vector == VECTOR_PAGE_FAULT && !reporting &&
        ub_page_fault_resolve(ub_control2_read(), frame->error)) {
        return;
    }
    ub_exception_report(frame);
}
