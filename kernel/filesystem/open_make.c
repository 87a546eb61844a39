/* openat(2) with flags that make or cut off a file. */
#include "open_file.h"

#define PERMISSIONS 07777U

static int make(struct ub_node *directory, const char *name, size_t length, long mode,
                struct ub_node **made)
{
    if (directory->system == NULL || directory->system->make == NULL) {
        return -EROFS;
    }
    uint32_t permissions = (uint32_t)mode & PERMISSIONS & ~ub_file_creation_mask();
    return directory->system->make(directory, name, length, S_IFREG | permissions, NULL, made);
}

/* Without a name; the maker holds it already. */
static int make_unnamed(struct ub_node *directory, long flags, long mode, struct ub_node **made)
{
    if (directory == NULL || !S_ISDIR(directory->mode)) {
        return directory == NULL ? -ENOENT : -ENOTDIR;
    }
    return (flags & 3) == O_RDONLY ? -EINVAL : make(directory, NULL, 0, mode, made);
}

int ub_open_make(long directory, const char *path, long flags, long mode, struct ub_node **node)
{
    struct ub_path_end end;
    bool exclusive = (flags & O_CREAT) && (flags & O_EXCL);
    enum ub_follow follow = (flags & O_NOFOLLOW) || exclusive ? UB_NO_FOLLOW : UB_FOLLOW;
    int error = ub_path_find_end(directory, path, follow, &end);
    if (error != 0) {
        return error;
    }
    *node = end.node;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        return make_unnamed(end.node, flags, mode, node);
    }
    if (end.node == NULL && (flags & O_CREAT)) {
        error = end.slash ? -EISDIR : make(end.directory, end.name, end.length, mode, node);
        flags &= ~(long)O_TRUNC;
    } else if (end.node == NULL) {
        error = -ENOENT;
    } else {
        error = exclusive ? -EEXIST : ub_open_check(end.node, flags);
    }
    if (error == 0 && (flags & O_TRUNC) && S_ISREG((*node)->mode)) {
        struct ub_change change = {.what = UB_CHANGE_SIZE};
        error = (*node)->system->change(*node, &change);
    }
    if (error == 0) {
        ub_node_hold(*node);
    }
    return error;
}
