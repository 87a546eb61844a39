/* faccessat(2) for the one user there is, root. */
#include <unistd.h>

#include <unibuild/filesystem.h>

static long may(const struct ub_node *node, long mode)
{
    if ((mode & W_OK) && !S_ISCHR(node->mode)) {
        return -EROFS;
    }
    if ((mode & X_OK) && !S_ISDIR(node->mode) && (node->mode & 0111) == 0) {
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
    int error = ub_path_find(directory, path,
                             (flags & AT_SYMLINK_NOFOLLOW) ? UB_NO_FOLLOW : UB_FOLLOW, &node);
    return error != 0 ? error : may(node, mode);
}

long ub_sys_faccessat(long directory, const char *path, long mode)
{
    return ub_sys_faccessat2(directory, path, mode, 0);
}
