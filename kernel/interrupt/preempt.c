/* Preemption's counters; the switch itself is the scheduler's. */
#include <unibuild/cpu.h>
#include <unibuild/interrupt.h>

/* Without threads there is nothing to give way to. */
__attribute__((weak)) void ub_preempt(void)
{
}

void ub_preempt_request(void)
{
    ub_cpu_current()->preempt_requested = 1;
}

void ub_preempt_disable(void)
{
    ub_cpu_current()->preempt_count++;
    __asm__ volatile("" : : : "memory");
}

void ub_preempt_enable(void)
{
    __asm__ volatile("" : : : "memory");
    struct ub_cpu *cpu = ub_cpu_current();
    if (--cpu->preempt_count == 0 && cpu->preempt_requested && cpu->interrupt_depth == 0 &&
        ub_interrupt_enabled()) {
        unsigned long flags = ub_interrupt_disable();
        cpu->preempt_requested = 0;
        ub_preempt();
        ub_interrupt_restore(flags);
    }
}
