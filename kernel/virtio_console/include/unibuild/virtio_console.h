/*
 * virtio-console (Virtio 1.2, section 5.3), its first port, as the console device.
 *
 * An image has it when its platform names `ub_virtio_console`; with a device present it takes over
 * from the serial port during the level UB_INITIALIZE_DEVICE. Writing is polled: it works in a
 * panic.
 */
#ifndef UNIBUILD_VIRTIO_CONSOLE_H
#define UNIBUILD_VIRTIO_CONSOLE_H

#include <unibuild/console.h>

extern const struct ub_console_device ub_virtio_console;

#endif
