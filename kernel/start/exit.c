/* The end of the program is the end of the image. */
#include <unibuild/image.h>
#include <unibuild/interrupt.h>
#include <unibuild/machine.h>
#include <unibuild/panic.h>

_Noreturn void ub_image_exit(int status)
{
    ub_interrupt_disable();
    ub_print("\x1e[unibuild] exit %u\n", (unsigned)status & 0xff);
    ub_machine_stop();
}

_Noreturn long ub_sys_exit_group(long status);

_Noreturn long ub_sys_exit_group(long status)
{
    ub_image_exit((int)status);
}
