/* Inside kernel/filesystem: the devices of /dev. */
#ifndef UNIBUILD_FILESYSTEM_DEVICE_H
#define UNIBUILD_FILESYSTEM_DEVICE_H

#include <stddef.h>

#include <unibuild/file.h>

struct ub_device {
    const char *name;
    const struct ub_file_operations *operations;
};

extern const struct ub_device ub_devices[];
extern const size_t ub_device_count;

#endif
