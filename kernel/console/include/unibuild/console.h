/*
 * The console: where a program's standard output and every report of the kernel goes.
 *
 * Bytes go to the device that registered last (the serial port is there from the first instruction;
 * a virtio console takes over when its driver is linked and its device present). Writing never
 * sleeps and may be done from interrupt handlers and from ub_panic. "\n" is sent as it is.
 */
#ifndef UNIBUILD_CONSOLE_H
#define UNIBUILD_CONSOLE_H

#include <stddef.h>

struct ub_console_device {
    const char *name;
    /* Writes all bytes; must not sleep, must not fail. */
    void (*write)(const char *bytes, size_t count);
    /* Reads up to `count` bytes that wait in the device; 0 when there are none. May be NULL. */
    size_t (*read)(char *bytes, size_t count);
    /* From now on calls `arrived`, in interrupt context, when bytes may wait in the device. Returns
     * 0 or a negated error number. NULL when the device, or this image, cannot tell. */
    int (*listen)(void (*arrived)(void *context), void *context);
};

/* The device that registered last. */
extern const struct ub_console_device *ub_console_device;

/* `device` must live for ever. */
void ub_console_register(const struct ub_console_device *device);
void ub_console_write(const char *bytes, size_t count);
/* Takes what has arrived, without waiting. */
size_t ub_console_read(char *bytes, size_t count);
/* Has `arrived` called when there may be something to read; -ENODEV when the device cannot tell.
 * Only images that refer to it carry what it takes. */
int ub_console_listen(void (*arrived)(void *context), void *context);

#endif
