/* Inside kernel/linux/filesystem: the file systems that a call brings into the image. */
#ifndef UNIBUILD_LINUX_FILESYSTEM_WANTED_H
#define UNIBUILD_LINUX_FILESYSTEM_WANTED_H

#include <unibuild/filesystem.h>

/* For calls that make files. */
#define UB_TMPFS_WANTED()                                                                          \
    static void (*const tmpfs)(struct ub_node *) __attribute__((used, retain)) = ub_tmpfs_mount

/* For calls that make files as they open them. */
#define UB_OPEN_MAKE_WANTED()                                                                      \
    static int (*const open_make)(long, const char *, long, long, struct ub_node **)               \
        __attribute__((used, retain)) = ub_open_make

/* For calls that may ask about the program or the machine. */
#define UB_PROCFS_WANTED()                                                                         \
    static const struct ub_builtin_node *const procfs __attribute__((used, retain)) =              \
        ub_procfs_nodes

#endif
