/*
 * The local APIC's timer, one-shot: by the time stamp counter's value where the processor can, else
 * counting down. A count that is too short for a far deadline is simply set again.
 */
#include "hypervisor.h"

#include <unibuild/clock.h>
#include <unibuild/controller.h>
#include <unibuild/initialize.h>
#include <unibuild/registers.h>
#include <unibuild/timestamp.h>

#include <stddef.h>

#define MODE_ONE_SHOT 0
#define MODE_DEADLINE (2U << 17)
#define DIVIDE_BY_1 0x0b
#define MEASURE_NANOSECONDS 1000000ULL
/* So that its product with the frequency fits in 64 bits; the handler sets the rest. */
#define LONGEST_NANOSECONDS (2 * UB_NANOSECONDS_PER_SECOND)

static uint64_t deadline = UB_CLOCK_NEVER;
static bool by_deadline;
static uint64_t counts_per_second;

__attribute__((weak)) void ub_timer_expired(void)
{
}

/* On machines whose APIC frequency nobody tells: 1 ms against the monotonic clock. */
static uint64_t measure(void)
{
    ub_apic_write(UB_APIC_TIMER_INITIAL, UINT32_MAX);
    uint64_t begin = ub_clock_monotonic();
    uint32_t first = ub_apic_read(UB_APIC_TIMER_CURRENT);
    while (ub_clock_monotonic() - begin < MEASURE_NANOSECONDS) {
        __asm__ volatile("pause");
    }
    uint32_t counted = first - ub_apic_read(UB_APIC_TIMER_CURRENT);
    uint64_t took = ub_clock_monotonic() - begin;
    ub_apic_write(UB_APIC_TIMER_INITIAL, 0);
    return counted * UB_NANOSECONDS_PER_SECOND / took;
}

static void arm(void)
{
    if (by_deadline) {
        uint64_t stamp = deadline == UB_CLOCK_NEVER ? 0 : ub_time_stamp_at(deadline);
        ub_msr_write(UB_MSR_TSC_DEADLINE, stamp);
        return;
    }
    if (deadline == UB_CLOCK_NEVER) {
        ub_apic_write(UB_APIC_TIMER_INITIAL, 0);
        return;
    }
    if (counts_per_second == 0) {
        counts_per_second =
            ub_hypervisor_apic_counts_nanoseconds() ? UB_NANOSECONDS_PER_SECOND : measure();
    }
    uint64_t now = ub_clock_monotonic();
    uint64_t wait = deadline > now ? deadline - now : 0;
    if (wait > LONGEST_NANOSECONDS) {
        wait = LONGEST_NANOSECONDS;
    }
    uint64_t count = wait * counts_per_second / UB_NANOSECONDS_PER_SECOND + 1;
    ub_apic_write(UB_APIC_TIMER_INITIAL, count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
}

void ub_timer_set(uint64_t new_deadline)
{
    unsigned long flags = ub_interrupt_disable();
    deadline = new_deadline;
    arm();
    ub_interrupt_restore(flags);
}

static void fired(void *context)
{
    (void)context;
    if (deadline == UB_CLOCK_NEVER) {
        return;
    }
    if (ub_clock_monotonic() < deadline) {
        arm();
        return;
    }
    deadline = UB_CLOCK_NEVER;
    ub_timer_expired();
}

static void initialize(void)
{
    by_deadline = (ub_cpuid(1, 0).ecx & UB_CPUID1_ECX_TSC_DEADLINE) != 0;
    ub_apic_write(UB_APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    ub_apic_write(UB_APIC_TIMER, UB_VECTOR_TIMER | (by_deadline ? MODE_DEADLINE : MODE_ONE_SHOT));
    ub_vector_connect(UB_VECTOR_TIMER, fired, NULL);
}
/* After the controller, which lies at level EARLY. */
UB_INITIALIZER(UB_INITIALIZE_TIMER, initialize);
