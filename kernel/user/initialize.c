/* Ring 3 made ready at boot, and the first way into it. */
#include "internal.h"

#include <unibuild/image.h>
#include <unibuild/initialize.h>
#include <unibuild/interrupt.h>
#include <unibuild/panic.h>
#include <unibuild/registers.h>
#include <unibuild/scheduler.h>

#define EXCEPTION_COUNT 32
#define INTERRUPT_COUNT 96
#define EXCEPTION_STUB_SIZE 16
#define INTERRUPT_STUB_SIZE 8
#define VECTOR_NMI 2
#define VECTOR_BREAKPOINT 3
#define VECTOR_DOUBLE_FAULT 8
#define STACK_DOUBLE_FAULT 1
#define STACK_NMI 2

#define EFER_SYSTEM_CALLS 1UL
#define KERNEL_CODE 0x08UL
/* sysret takes the data segment 8 above this and the code segment 16 above. */
#define USER_BASE 0x23UL
/* Cleared by `syscall`: all but the bits that are always so. Above all IF, DF, TF, NT and AC. */
#define FLAGS_CLEARED 0x257fd5UL
#define FLAGS_INITIAL 0x202UL

/* entry.S of kernel/arch/x86_64 */
extern char ub_boot_stack_top[];

struct ub_user ub_user_main;
bool ub_user_has_access_prevention;

static struct ub_user_cpu boot_cpu;

/* Page faults and interrupts run on the thread's own stack here: it has all its pages. */
static void set_gates(void)
{
    for (unsigned i = 0; i < EXCEPTION_COUNT; i++) {
        unsigned stack = i == VECTOR_NMI            ? STACK_NMI
                         : i == VECTOR_DOUBLE_FAULT ? STACK_DOUBLE_FAULT
                                                    : 0;
        ub_gate_set(i, ub_user_exception_stubs + i * EXCEPTION_STUB_SIZE, stack);
    }
    for (unsigned i = 0; i < INTERRUPT_COUNT; i++) {
        ub_gate_set(EXCEPTION_COUNT + i, ub_user_interrupt_stubs + i * INTERRUPT_STUB_SIZE, 0);
    }
    ub_gate_open(VECTOR_BREAKPOINT);
}

static void initialize(void)
{
    boot_cpu.cpu = *ub_cpu_current();
    boot_cpu.cpu.self = &boot_cpu.cpu;
    ub_msr_write(UB_MSR_GS_BASE, (uint64_t)&boot_cpu);
    ub_msr_write(UB_MSR_KERNEL_GS_BASE, 0);
    ub_user_segments_load();
    set_gates();
    /* As on Linux, AC in the flags makes the program's unaligned accesses faults. */
    ub_control0_write(ub_control0_read() | UB_CONTROL0_ALIGNMENT);
    ub_user_has_access_prevention = (ub_control4_read() & UB_CONTROL4_SMAP) != 0;
    ub_user_vector_initialize();
    ub_msr_write(UB_MSR_STAR, USER_BASE << 48 | KERNEL_CODE << 32);
    ub_msr_write(UB_MSR_LSTAR, (uint64_t)ub_user_call_entry);
    ub_msr_write(UB_MSR_FMASK, FLAGS_CLEARED);
    ub_msr_write(UB_MSR_EFER, ub_msr_read(UB_MSR_EFER) | EFER_SYSTEM_CALLS);
}
UB_INITIALIZER(UB_INITIALIZE_USER, initialize);

_Noreturn void ub_user_enter(uint64_t instruction_pointer, uint64_t stack_pointer)
{
    if (!ub_user_vector_create(&ub_user_main)) {
        ub_panic("too little memory for the program's registers");
    }
    (void)ub_interrupt_disable();
    ub_user_main.stack_top = (uint64_t)ub_boot_stack_top;
    struct ub_thread *thread = ub_cpu_current()->thread;
    if (thread != NULL) {
        thread->user = &ub_user_main;
    }
    ub_user_adopt(&ub_user_main);
    struct ub_exception_frame frame = {
        .instruction_pointer = instruction_pointer,
        .stack_pointer = stack_pointer,
        .flags = FLAGS_INITIAL,
    };
    (void)ub_user_frame_check(&frame);
    ub_user_settle(&frame);
    ub_user_return(&frame);
}

void ub_user_adopt(struct ub_user *user)
{
    struct ub_user_cpu *cpu = ub_user_cpu();
    if (cpu->user != user) {
        cpu->user = user;
        cpu->stack_top = user->stack_top;
        ub_privilege_stack_set(user->stack_top);
        if (user->gs_base != cpu->gs_base) {
            cpu->gs_base = user->gs_base;
            ub_msr_write(UB_MSR_KERNEL_GS_BASE, user->gs_base);
        }
    }
    const struct ub_thread *thread = cpu->cpu.thread;
    if (thread != NULL && thread->context.thread_pointer != cpu->cpu.thread_pointer) {
        ub_thread_pointer_set(thread->context.thread_pointer);
    }
    ub_user_vector_load(user);
}

uint64_t ub_user_gs_base_get(void)
{
    return ub_user_cpu()->user->gs_base;
}

bool ub_user_gs_base_set(uint64_t base)
{
    if (base >= UB_USER_END) {
        return false;
    }
    unsigned long flags = ub_interrupt_disable();
    ub_user_cpu()->user->gs_base = base;
    ub_user_cpu()->gs_base = base;
    ub_msr_write(UB_MSR_KERNEL_GS_BASE, base);
    ub_interrupt_restore(flags);
    return true;
}
