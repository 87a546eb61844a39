/*
 * Descriptor tables and protections of the boot processor.
 *
 * The global descriptor table is entry.S's; this adds the task state segment, whose only use is the
 * stacks for double fault, NMI, page fault and interrupts, and the interrupt descriptor table.
 */
#include "entry.h"

#include <unibuild/cpu.h>
#include <unibuild/exception.h>
#include <unibuild/registers.h>

#define GATE_COUNT 128
#define CODE_SELECTOR 0x08
#define TASK_SELECTOR 0x18
#define GATE_INTERRUPT 0x8e
#define GATE_PRIVILEGE_3 0x60

#define STACK_DOUBLE_FAULT 1
#define STACK_NMI 2
#define STACK_PAGE_FAULT 3
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_PAGE_FAULT 14
#define STUB_SIZE 16

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "Intel SDM vol. 3, 6.14.1");

struct __attribute__((packed, aligned(4))) task_state {
    uint32_t reserved0;
    uint64_t privilege_stacks[3];
    uint64_t reserved1;
    uint64_t interrupt_stacks[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
};
_Static_assert(sizeof(struct task_state) == 104, "Intel SDM vol. 3, 7.7");

struct __attribute__((packed, aligned(2))) table_register {
    uint16_t limit;
    uint64_t base;
};

struct ub_cpu ub_boot_cpu = {.self = &ub_boot_cpu};

static struct gate gates[GATE_COUNT];
static _Alignas(16) unsigned char interrupt_stack[128]; /* see the stubs of kernel/interrupt */
static struct task_state task_state = {
    .interrupt_stacks = {(uint64_t)ub_double_fault_stack_top, (uint64_t)ub_nmi_stack_top,
                         (uint64_t)ub_page_fault_stack_top,
                         (uint64_t)(interrupt_stack + sizeof interrupt_stack)},
    .io_map_base = sizeof(struct task_state),
};

void ub_gate_set(unsigned vector, const void *address, unsigned stack)
{
    uint64_t offset = (uint64_t)address;
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)offset,
        .selector = CODE_SELECTOR,
        .stack = (uint8_t)stack,
        .type = GATE_INTERRUPT,
        .offset_middle = (uint16_t)(offset >> 16),
        .offset_high = (uint32_t)(offset >> 32),
    };
}

void ub_gate_open(unsigned vector)
{
    gates[vector].type |= GATE_PRIVILEGE_3;
}

void ub_privilege_stack_set(uint64_t top)
{
    task_state.privilege_stacks[0] = top;
}

static void load_task_state(void)
{
    uint64_t base = (uint64_t)&task_state;
    uint64_t limit = sizeof task_state - 1;
    ub_descriptor_table[3] =
        limit | (base & 0xffffff) << 16 | 0x89ULL << 40 | (base >> 24 & 0xff) << 56;
    ub_descriptor_table[4] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(TASK_SELECTOR));
}

/* SMEP, SMAP and UMIP cost nothing and hold as soon as anything runs outside ring 0. */
static void enable_protections(void)
{
    struct ub_cpuid basic = ub_cpuid(0, 0);
    if (basic.eax < 7) {
        return;
    }
    struct ub_cpuid features = ub_cpuid(7, 0);
    uint64_t control = ub_control4_read();
    if (features.ebx & UB_CPUID7_EBX_SMEP) {
        control |= UB_CONTROL4_SMEP;
    }
    if (features.ebx & UB_CPUID7_EBX_SMAP) {
        control |= UB_CONTROL4_SMAP;
    }
    if (features.ecx & UB_CPUID7_ECX_UMIP) {
        control |= UB_CONTROL4_UMIP;
    }
    ub_control4_write(control);
}

void ub_cpu_initialize(void)
{
    for (unsigned vector = 0; vector < 32; vector++) {
        unsigned stack = vector == VECTOR_DOUBLE_FAULT ? STACK_DOUBLE_FAULT
                         : vector == VECTOR_NMI        ? STACK_NMI
                         : vector == VECTOR_PAGE_FAULT ? STACK_PAGE_FAULT
                                                       : 0;
        ub_gate_set(vector, ub_exception_stubs + vector * STUB_SIZE, stack);
    }
    load_task_state();
    struct table_register gate_register = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" : : "m"(gate_register));
    enable_protections();
}
