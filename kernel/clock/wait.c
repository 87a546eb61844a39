/* Sleep of the whole processor, for programs without threads. */
#include <unibuild/clock.h>
#include <unibuild/interrupt.h>

void ub_clock_wait_until(uint64_t deadline)
{
    unsigned long flags = ub_interrupt_disable();
    while (ub_clock_monotonic() < deadline) {
        ub_timer_set(deadline);
        ub_interrupt_wait();
    }
    ub_interrupt_restore(flags);
}
