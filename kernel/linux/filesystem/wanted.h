/* Inside kernel/linux/filesystem: the file systems that a call brings into the image. */
#ifndef UNIBUILD_LINUX_FILESYSTEM_WANTED_H
#define UNIBUILD_LINUX_FILESYSTEM_WANTED_H

#include <unibuild/filesystem.h>

/* For calls that make files. */
#define UB_TMPFS_WANTED()                                                                          \
    static struct ub_node *(*const tmpfs)(struct ub_node *, const char *, size_t,                  \
                                          uint32_t)__attribute__((used, retain)) = ub_tmpfs_mount

/* For calls that may ask about the program or the machine. */
#define UB_PROCFS_WANTED()                                                                         \
    static const struct ub_builtin_node *const procfs __attribute__((used, retain)) =              \
        ub_procfs_nodes

#endif
