/* The console behind descriptors 0, 1 and 2, open from the start. */
#include <poll.h>
#include <sys/ioctl.h>

#include <unibuild/console.h>
#include <unibuild/file.h>

#include "input.h"
#include "table.h"

/* In the image when the program can read: see input.h. */
#pragma weak ub_console_input_read
#pragma weak ub_console_input_poll

static long console_read(struct ub_file *file, void *buffer, size_t size)
{
    return ub_console_input_read != NULL ? ub_console_input_read(file, buffer, size) : 0;
}

static unsigned console_poll(struct ub_file *file)
{
    (void)file;
    return POLLOUT | POLLWRNORM | (ub_console_input_poll != NULL ? ub_console_input_poll() : 0);
}

static long console_write(struct ub_file *file, const void *buffer, size_t size)
{
    (void)file;
    ub_console_write(buffer, size);
    return (long)size;
}

/* Other terminal requests, in images of Linux programs: see console_terminal.c. */
#pragma weak ub_console_terminal

/* A terminal without a size, as a serial line is on Linux: the C library writes out line by line.
 */
static long console_control(struct ub_file *file, unsigned long request, unsigned long argument)
{
    (void)file;
    if (request != TIOCGWINSZ) {
        return ub_console_terminal != NULL ? ub_console_terminal(request, (void *)argument)
                                           : -ENOTTY;
    }
    *(struct winsize *)argument = (struct winsize){0};
    return 0;
}

static const struct ub_file_operations console_operations = {
    .read = console_read,
    .write = console_write,
    .poll = console_poll,
    .control = console_control,
};

struct ub_file ub_file_console = {
    .operations = &console_operations,
    .flags = O_RDWR,
    .references = 4, /* three descriptors, and one that is never put: it is never closed */
};

static struct ub_file_slot first_slots[] = {
    {.file = &ub_file_console},
    {.file = &ub_file_console},
    {.file = &ub_file_console},
};

struct ub_file_table ub_file_table = {
    .size = sizeof first_slots / sizeof first_slots[0],
    .slots = first_slots,
};
