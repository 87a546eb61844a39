/* null, zero, full, random, urandom, and the console. */
#include <string.h>

#include <unibuild/random.h>

#include "device.h"
#include "open_file.h"

static long read_nothing(struct ub_file *file, void *buffer, size_t size)
{
    (void)file;
    (void)buffer;
    (void)size;
    return 0;
}

static long read_zeros(struct ub_file *file, void *buffer, size_t size)
{
    (void)file;
    memset(buffer, 0, size);
    return (long)size;
}

static long read_random(struct ub_file *file, void *buffer, size_t size)
{
    (void)file;
    ub_random_bytes(buffer, size);
    return (long)size;
}

static long read_console(struct ub_file *file, void *buffer, size_t size)
{
    return ub_file_console.operations->read(file, buffer, size);
}

static long write_nowhere(struct ub_file *file, const void *buffer, size_t size)
{
    (void)file;
    (void)buffer;
    return (long)size;
}

static long write_full(struct ub_file *file, const void *buffer, size_t size)
{
    (void)file;
    (void)buffer;
    return size == 0 ? 0 : -ENOSPC;
}

static long write_console(struct ub_file *file, const void *buffer, size_t size)
{
    (void)file;
    return ub_file_console.operations->write(&ub_file_console, buffer, size);
}

static long control_console(struct ub_file *file, unsigned long request, unsigned long argument)
{
    (void)file;
    return ub_file_console.operations->control(&ub_file_console, request, argument);
}

static const struct ub_file_operations null_operations = {
    .read = read_nothing,
    .write = write_nowhere,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

static const struct ub_file_operations zero_operations = {
    .read = read_zeros,
    .write = write_nowhere,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

static const struct ub_file_operations full_operations = {
    .read = read_zeros,
    .write = write_full,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

static const struct ub_file_operations random_operations = {
    .read = read_random,
    .write = write_nowhere,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

static const struct ub_file_operations console_operations = {
    .read = read_console,
    .write = write_console,
    .control = control_console,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

const struct ub_device ub_devices[] = {
    {"null", &null_operations},      {"zero", &zero_operations},
    {"full", &full_operations},      {"random", &random_operations},
    {"urandom", &random_operations}, {"console", &console_operations},
    {"tty", &console_operations},
};

const size_t ub_device_count = sizeof ub_devices / sizeof ub_devices[0];
