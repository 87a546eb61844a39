/* openat(2) on a file system that cannot be written. */
#include <unibuild/memory.h>

#include "open_file.h"

long ub_open_file_status(struct ub_file *file, struct stat *status)
{
    ub_node_status(((struct ub_open_file *)file)->node, status);
    return 0;
}

void ub_open_file_close(struct ub_file *file)
{
    ub_heap_free(file);
}

struct ub_node *ub_file_node(const struct ub_file *file)
{
    return file->operations->close == ub_open_file_close ? ((const struct ub_open_file *)file)->node
                                                         : NULL;
}

/* Whether the node may be opened so; files and directories cannot be written. */
static int flags_check(const struct ub_node *node, long flags)
{
    bool write = (flags & O_ACCMODE) != O_RDONLY;
    if ((flags & O_CREAT) && (flags & O_EXCL)) {
        return -EEXIST;
    }
    if (S_ISLNK(node->mode)) {
        return -ELOOP; /* only found with O_NOFOLLOW */
    }
    if ((flags & O_DIRECTORY) && !S_ISDIR(node->mode)) {
        return -ENOTDIR;
    }
    if (S_ISDIR(node->mode)) {
        return write || (flags & O_CREAT) ? -EISDIR : 0;
    }
    return S_ISREG(node->mode) && (write || (flags & O_TRUNC)) ? -EROFS : 0;
}

static const struct ub_file_operations *operations_of(const struct ub_node *node)
{
    if (node->operations != NULL) {
        return node->operations;
    }
    return S_ISDIR(node->mode) ? &ub_directory_operations : &ub_regular_operations;
}

long ub_sys_openat(long directory, const char *path, long flags, long mode)
{
    struct ub_node *node;
    (void)mode;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        return -EROFS;
    }
    enum ub_follow follow =
        (flags & O_NOFOLLOW) || ((flags & O_CREAT) && (flags & O_EXCL)) ? UB_NO_FOLLOW : UB_FOLLOW;
    int error = ub_path_find(directory, path, follow, &node);
    if (error == -ENOENT && (flags & O_CREAT)) {
        return -EROFS;
    }
    if (error == 0) {
        error = flags_check(node, flags);
    }
    if (error != 0) {
        return error;
    }
    struct ub_open_file *opened = ub_heap_allocate_zeroed(sizeof *opened);
    if (opened == NULL) {
        return -ENOMEM;
    }
    opened->file.operations = operations_of(node);
    opened->file.flags = (unsigned)flags & (O_ACCMODE | O_NONBLOCK | O_APPEND);
    opened->file.references = 1;
    opened->node = node;
    int descriptor = ub_file_install(&opened->file, (unsigned)flags);
    if (descriptor < 0) {
        ub_file_put(&opened->file);
    }
    return descriptor;
}
