/*
 * One processor's own data, found through the GS base. Nothing here is shared between processors.
 */
#ifndef UNIBUILD_CPU_H
#define UNIBUILD_CPU_H

#include <stddef.h>
#include <stdint.h>

struct ub_thread;

struct ub_cpu {
    struct ub_cpu *self;        /* at 0: gs:0 gives the address */
    uint32_t interrupt_depth;   /* at 8: handlers running, exceptions not counted */
    uint32_t preempt_count;     /* at 12: preemption is put off while not 0 */
    uint32_t preempt_requested; /* at 16 */
    uint32_t number;            /* at 20: 0 is the boot processor */
    uint64_t thread_pointer;    /* at 24: copy of the FS base that is loaded */
    struct ub_thread *thread;   /* at 32: kernel/thread's current thread */
    void *scheduler;            /* at 40: kernel/thread's own data of this processor */
};

static inline struct ub_cpu *ub_cpu_current(void)
{
    struct ub_cpu *cpu;
    __asm__("movq %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

#endif
