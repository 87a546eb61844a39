/*
 * QEMU's microvm machine: what differs from other machines. Powers off through the sleep control
 * register of the ACPI generic event device; where that is switched off (acpi=off), by a triple
 * fault, which ends QEMU when it was started with -no-reboot, as `unibuild run` does.
 */
#include <unibuild/machine.h>
#include <unibuild/paging.h>
#include <unibuild/reset.h>

#define SLEEP_CONTROL 0xfea00200
#define SLEEP_ENABLE 0x20
#define SLEEP_TYPE_OFF (5 << 2)

_Noreturn void ub_machine_stop(void)
{
    ub_physical_write8(SLEEP_CONTROL, SLEEP_TYPE_OFF | SLEEP_ENABLE);
    ub_processor_reset();
}
