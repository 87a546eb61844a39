/* The first serial port (16550 at 0x3f8), polled for writing: there before anything else works. */
#ifndef UNIBUILD_SERIAL_H
#define UNIBUILD_SERIAL_H

#include <unibuild/console.h>

extern const struct ub_console_device ub_serial_console;

/* Its `listen`, in an object of its own: programs that only print do not link it. */
int ub_serial_listen(void (*arrived)(void *context), void *context);

#endif
