/* Inside kernel/filesystem: opening nodes. */
#ifndef UNIBUILD_FILESYSTEM_OPEN_FILE_H
#define UNIBUILD_FILESYSTEM_OPEN_FILE_H

#include <unibuild/filesystem.h>

extern const struct ub_file_operations ub_regular_operations;
/* Whether the node may be opened so: 0 or a negated error number. */
int ub_open_check(const struct ub_node *node, long flags);

/* The permissions that new files do not get. */
unsigned ub_file_creation_mask(void);

extern const struct ub_builtin_node ub_device_nodes[];
extern const size_t ub_device_node_count;

#endif
