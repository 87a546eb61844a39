/*
 * The root file system: read-only, from the cpio archive (newc) that the image carries, with the
 * devices of /dev beside it.
 *
 * The archive is checked and indexed at the first use: every header field is bounded by the
 * archive's end, names are relative paths without empty, "." or ".." parts (a leading "./" is
 * taken off), directories stand before what they hold, no path comes twice. An archive that breaks
 * a rule is refused: ub_panic names the rule and the offset of the entry. File contents are never
 * copied; read copies out of the image.
 *
 * /dev has null, zero, full, random, urandom, console and tty, unless the archive has the name.
 * There is nothing else to open for writing: creating and changing answers -EROFS. There is one
 * user, root. Times are what the archive says (0 in images that unibuild makes).
 */
#ifndef UNIBUILD_FILESYSTEM_H
#define UNIBUILD_FILESYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include <unibuild/file.h>

#define UB_PATH_MAXIMUM 4096U /* with the NUL; longer is -ENAMETOOLONG */
#define UB_LINK_MAXIMUM 40    /* symbolic links followed in one lookup; more is -ELOOP */

struct ub_node {
    struct ub_node *parent; /* the root is its own */
    struct ub_node *hash_next;
    struct ub_node *children; /* a directory's, in order of the archive */
    struct ub_node *last_child;
    struct ub_node *sibling;
    const char *name; /* one part of a path, not NUL-terminated */
    uint32_t name_length;
    uint32_t mode;
    uint32_t inode;
    uint32_t modified; /* seconds since 1970 */
    uint64_t size;
    const void *content;                         /* file bytes, or where a link leads */
    const struct ub_file_operations *operations; /* devices */
};

/* The root directory. Mounts the archive the first time. */
struct ub_node *ub_filesystem_root(void);
/* The entry of a directory, or NULL. */
struct ub_node *ub_node_child(const struct ub_node *directory, const char *name, size_t length);

/* Whether a lookup that ends at a symbolic link gives the link itself. */
enum ub_follow { UB_FOLLOW, UB_NO_FOLLOW };

/*
 * Finds `path` from the directory that `directory` names (AT_FDCWD, or a descriptor of a
 * directory; not looked at when the path is absolute). Returns 0, -ENOENT, -ENOTDIR, -ELOOP,
 * -ENAMETOOLONG or -EBADF. An empty path is -ENOENT.
 */
int ub_path_find(long directory, const char *path, enum ub_follow follow, struct ub_node **result);
/* The node that an open descriptor of this file system stands for, or NULL. */
struct ub_node *ub_file_node(const struct ub_file *file);
void ub_node_status(const struct ub_node *node, struct stat *status);

/* The working directory of the program. */
extern struct ub_node *ub_working_directory; /* NULL: the root */

#endif
