/*
 * A file system in memory: regular files whose pages come when they are written, directories,
 * symbolic and hard links. Together the files may take half of the machine's memory, and have as
 * many names as that has pages; then writing, or making one, answers -ENOSPC. A file that was
 * removed lives until it is no longer open.
 *
 * What is mapped stays where it is: once a file was mapped, truncation zeroes its pages instead of
 * freeing them, until the file is gone.
 */
#ifndef UNIBUILD_TMPFS_H
#define UNIBUILD_TMPFS_H

#include <unibuild/filesystem.h>

/* ub_tmpfs_nodes, ub_tmpfs_mount: see <unibuild/filesystem.h>. */

/* A file without a name, open for reading and writing, or NULL when memory is out (memfd_create).
 */
struct ub_file *ub_tmpfs_open_unnamed(void);

#endif
