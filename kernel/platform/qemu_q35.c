/*
 * QEMU's q35 machine: what differs from other machines. Powers off through the ACPI power
 * management register that the firmware placed at port 0x604.
 */
#include <unibuild/io.h>
#include <unibuild/machine.h>
#include <unibuild/reset.h>

#define POWER_CONTROL 0x604
#define SLEEP_ENABLE_TYPE_OFF 0x2000

_Noreturn void ub_machine_stop(void)
{
    ub_port_write16(POWER_CONTROL, SLEEP_ENABLE_TYPE_OFF);
    ub_processor_reset();
}
