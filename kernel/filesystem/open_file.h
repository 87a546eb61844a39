/* Inside kernel/filesystem: an opened node. */
#ifndef UNIBUILD_FILESYSTEM_OPEN_FILE_H
#define UNIBUILD_FILESYSTEM_OPEN_FILE_H

#include <unibuild/filesystem.h>

struct ub_open_file {
    struct ub_file file;
    struct ub_node *node;
    struct ub_mutex lock; /* of the position */
    int64_t position;     /* bytes of a file; entries of a directory */
};

long ub_open_file_status(struct ub_file *file, struct stat *status);
void ub_open_file_close(struct ub_file *file);

extern const struct ub_file_operations ub_regular_operations;
extern const struct ub_file_operations ub_directory_operations;

#endif
