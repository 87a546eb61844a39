/* faccessat(2) for the one user there is, root. */
#include <unistd.h>

#include <unibuild/filesystem.h>

static long may(const struct ub_node *node, long mode)
{
    bool changes = node->system != NULL && node->system->change != NULL;
    if ((mode & W_OK) && !S_ISCHR(node->mode) && !changes) {
        return -EROFS;
    }
    struct stat status;
    ub_node_status(node, &status);
    if ((mode & X_OK) && !S_ISDIR(node->mode) && (status.st_mode & 0111) == 0) {
        return -EACCES;
    }
    return 0;
}

long ub_sys_faccessat2(long directory, const char *path, long mode, long flags)
{
    struct ub_node *node;
    if ((mode & ~(long)(R_OK | W_OK | X_OK)) != 0 ||
        (flags & ~(long)(AT_EACCESS | AT_SYMLINK_NOFOLLOW)) != 0) {
        return -EINVAL;
    }
    ub_tree_lock();
    long result = ub_path_find(directory, path,
                               (flags & AT_SYMLINK_NOFOLLOW) ? UB_NO_FOLLOW : UB_FOLLOW, &node);
    if (result == 0) {
        result = may(node, mode);
    }
    ub_tree_unlock();
    return result;
}

long ub_sys_faccessat(long directory, const char *path, long mode)
{
    return ub_sys_faccessat2(directory, path, mode, 0);
}
