/* Being told of input. Apart from the rest, so that programs which only print do not link it. */
#include <unibuild/console.h>
#include <unibuild/interrupt.h>
#include <unibuild/io.h>
#include <unibuild/serial.h>

#include <errno.h>

#define INTERRUPT_LINE 4
#define REGISTER_INTERRUPT_ENABLE 0x3f9
#define REGISTER_MODEM_CONTROL 0x3fc
#define INTERRUPT_RECEIVED 0x01
#define MODEM_READY_AND_INTERRUPTS 0x0b

int ub_serial_listen(void (*arrived)(void *context), void *context)
{
    (void)ub_serial_console.read(NULL, 0); /* sets the port up */
    int error = ub_interrupt_connect(INTERRUPT_LINE, arrived, context);
    if (error == 0) {
        ub_port_write8(REGISTER_MODEM_CONTROL, MODEM_READY_AND_INTERRUPTS);
        ub_port_write8(REGISTER_INTERRUPT_ENABLE, INTERRUPT_RECEIVED);
    }
    return error;
}

int ub_console_listen(void (*arrived)(void *context), void *context)
{
    return ub_console_device->listen != NULL ? ub_console_device->listen(arrived, context)
                                             : -ENODEV;
}
