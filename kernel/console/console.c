/* The console's choice of device: the serial port until a driver registers another. */
#include <unibuild/console.h>
#include <unibuild/serial.h>

const struct ub_console_device *ub_console_device = &ub_serial_console;

void ub_console_register(const struct ub_console_device *new_device)
{
    ub_console_device = new_device;
}

void ub_console_write(const char *bytes, size_t count)
{
    ub_console_device->write(bytes, count);
}

size_t ub_console_read(char *bytes, size_t count)
{
    return ub_console_device->read != NULL ? ub_console_device->read(bytes, count) : 0;
}
