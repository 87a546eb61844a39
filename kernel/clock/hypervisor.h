/* What a hypervisor tells of time: KVM's interface (Linux, Documentation/virt/kvm/x86). */
#ifndef UNIBUILD_HYPERVISOR_H
#define UNIBUILD_HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

/* kHz of the time stamp counter, 0 when the hypervisor does not tell. */
uint64_t ub_hypervisor_time_stamp_kilohertz(void);
/* Nanoseconds since 1970 at this moment, 0 when the hypervisor does not tell. */
uint64_t ub_hypervisor_wall_clock(void);
/* True under QEMU, whose local APIC timers count nanoseconds, translated or with KVM. */
bool ub_hypervisor_apic_counts_nanoseconds(void);

#endif
