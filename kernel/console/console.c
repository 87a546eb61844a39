/* The console's choice of device: the serial port until a driver registers another. */
#include <unibuild/console.h>
#include <unibuild/serial.h>

static const struct ub_console_device *device = &ub_serial_console;

void ub_console_register(const struct ub_console_device *new_device)
{
    device = new_device;
}

void ub_console_write(const char *bytes, size_t count)
{
    device->write(bytes, count);
}

size_t ub_console_read(char *bytes, size_t count)
{
    return device->read != NULL ? device->read(bytes, count) : 0;
}
