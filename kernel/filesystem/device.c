/* null, zero, full, random, urandom, and the console. */
#include <string.h>

#include <unibuild/random.h>

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

/* Devices have no position, and none is refused. */
static int64_t seek_nowhere(struct ub_file *file, int64_t offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return 0;
}

static const struct ub_file_operations null_operations = {
    .read = read_nothing,
    .write = write_nowhere,
    .seek = seek_nowhere,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

/* Mapped, it is zeroes. */
static long zero_contents(struct ub_file *file, struct ub_file_contents *contents)
{
    (void)file;
    *contents = (struct ub_file_contents){0};
    return 0;
}

static const struct ub_file_operations zero_operations = {
    .contents = zero_contents,
    .read = read_zeros,
    .write = write_nowhere,
    .seek = seek_nowhere,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

static const struct ub_file_operations full_operations = {
    .read = read_zeros,
    .write = write_full,
    .seek = seek_nowhere,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

static const struct ub_file_operations random_operations = {
    .read = read_random,
    .write = write_nowhere,
    .seek = seek_nowhere,
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

#define DEVICE_MODE (S_IFCHR | 0666)
#define DEVICE(major, minor) ((major) << 8 | (minor))

/* The numbers are Linux's. */
const struct ub_builtin_node ub_device_nodes[] = {
    {"dev/null", DEVICE_MODE, DEVICE(1, 3), NULL, &null_operations, NULL},
    {"dev/zero", DEVICE_MODE, DEVICE(1, 5), NULL, &zero_operations, NULL},
    {"dev/full", DEVICE_MODE, DEVICE(1, 7), NULL, &full_operations, NULL},
    {"dev/random", DEVICE_MODE, DEVICE(1, 8), NULL, &random_operations, NULL},
    {"dev/urandom", DEVICE_MODE, DEVICE(1, 9), NULL, &random_operations, NULL},
    {"dev/console", DEVICE_MODE, DEVICE(5, 1), NULL, &console_operations, NULL},
    {"dev/tty", DEVICE_MODE, DEVICE(5, 0), NULL, &console_operations, NULL},
};

const size_t ub_device_node_count = sizeof ub_device_nodes / sizeof ub_device_nodes[0];
