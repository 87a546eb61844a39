/* openat(2). What changes nothing is here; making files, in open_make.c, is for images that have
 * another file system than the root. */
#include <string.h>

#include <unibuild/memory.h>

#include "open_file.h"

/* Of Linux's flags those that are about the opening and not kept (O_CLOEXEC is the descriptor's).
 */
#define FLAGS_OF_OPENING ((unsigned)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC))

/* In images whose program makes files: whoever calls openat for it refers to this, too. */
#pragma weak ub_open_make

long ub_open_file_status(struct ub_file *file, struct stat *status)
{
    ub_node_status(((struct ub_open_file *)file)->node, status);
    return 0;
}

void ub_open_file_close(struct ub_file *file)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    ub_node_release(opened->node);
    ub_heap_free(opened->text);
    ub_heap_free(file);
}

struct ub_node *ub_file_node(const struct ub_file *file)
{
    return file->operations->close == ub_open_file_close ? ((const struct ub_open_file *)file)->node
                                                         : NULL;
}

/* With O_PATH: a name that was found, not a file. */
static const struct ub_file_operations path_operations = {
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

int ub_open_check(const struct ub_node *node, long flags)
{
    bool write = (flags & 3) != O_RDONLY;
    if ((flags & O_DIRECTORY) && !S_ISDIR(node->mode)) {
        return -ENOTDIR;
    }
    if (flags & O_PATH) {
        return 0;
    }
    if (S_ISLNK(node->mode)) {
        return -ELOOP; /* only found with O_NOFOLLOW */
    }
    if (S_ISDIR(node->mode)) {
        return write || (flags & (O_CREAT | O_TRUNC)) ? -EISDIR : 0;
    }
    bool changes = node->system != NULL && node->system->change != NULL;
    return S_ISREG(node->mode) && (write || (flags & O_TRUNC)) && !changes ? -EROFS : 0;
}

static const struct ub_file_operations *operations_of(const struct ub_node *node, long flags)
{
    if (flags & O_PATH) {
        return &path_operations;
    }
    if (node->operations != NULL) {
        return node->operations;
    }
    return S_ISDIR(node->mode) ? &ub_directory_operations : &ub_regular_operations;
}

/* The node to open, which the caller holds then; nothing can be made or cut off. */
static int find(long directory, const char *path, long flags, struct ub_node **node)
{
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        return -EROFS;
    }
    bool exclusive = (flags & O_CREAT) && (flags & O_EXCL);
    int error = ub_path_find(directory, path,
                             (flags & O_NOFOLLOW) || exclusive ? UB_NO_FOLLOW : UB_FOLLOW, node);
    if (error != 0) {
        return error == -ENOENT && (flags & O_CREAT) ? -EROFS : error;
    }
    error = exclusive ? -EEXIST : ub_open_check(*node, flags);
    if (error == 0) {
        ub_node_hold(*node);
    }
    return error;
}

static struct ub_open_file *open_node(struct ub_node *node, long flags)
{
    struct ub_open_file *opened = ub_heap_allocate_zeroed(sizeof *opened);
    if (opened == NULL) {
        ub_node_release(node);
        return NULL;
    }
    opened->file.operations = operations_of(node, flags);
    opened->file.flags = (unsigned)flags & ~FLAGS_OF_OPENING;
    opened->file.references = 1;
    opened->node = node;
    return opened;
}

long ub_sys_openat(long directory, const char *path, long flags, long mode)
{
    struct ub_node *node;
    if (flags & O_PATH) {
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    }
    ub_tree_lock();
    int error = ub_open_make != NULL && (flags & (O_CREAT | O_TRUNC | O_TMPFILE)) != 0
                    ? ub_open_make(directory, path, flags, mode, &node)
                    : find(directory, path, flags, &node);
    ub_tree_unlock();
    if (error != 0) {
        return error;
    }
    struct ub_open_file *opened = open_node(node, flags);
    if (opened == NULL) {
        return -ENOMEM;
    }
    int descriptor = ub_file_install(&opened->file, (unsigned)flags);
    if (descriptor < 0) {
        ub_file_put(&opened->file);
    }
    return descriptor;
}
