/* What a node is: newfstatat, and the shared filling of struct stat. */
#include <string.h>

#include <unibuild/filesystem.h>

#define BLOCK 512U

long ub_sys_fstat(long descriptor, struct stat *status);

void ub_node_status(const struct ub_node *node, struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_dev = 1;
    status->st_ino = node->order;
    status->st_nlink = S_ISDIR(node->mode) ? 2 : 1;
    status->st_mode = node->mode;
    status->st_blksize = 4096;
    if (S_ISCHR(node->mode)) {
        status->st_rdev = node->size;
    } else {
        status->st_size = (int64_t)node->size;
        status->st_blocks = (int64_t)((node->size + BLOCK - 1) / BLOCK);
    }
    status->st_atim.tv_sec = node->modified;
    status->st_mtim.tv_sec = node->modified;
    status->st_ctim.tv_sec = node->modified;
    if (node->system != NULL && node->system->status != NULL) {
        node->system->status(node, status);
    }
}

long ub_sys_newfstatat(long directory, const char *path, struct stat *status, long flags)
{
    struct ub_node *node;
    if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) {
        return -EINVAL;
    }
    if ((flags & AT_EMPTY_PATH) && path[0] == '\0' && (int)directory != AT_FDCWD) {
        return ub_sys_fstat(directory, status);
    }
    ub_tree_lock();
    int error = ub_path_find(directory, (flags & AT_EMPTY_PATH) && path[0] == '\0' ? "." : path,
                             (flags & AT_SYMLINK_NOFOLLOW) ? UB_NO_FOLLOW : UB_FOLLOW, &node);
    if (error == 0) {
        ub_node_status(node, status);
    }
    ub_tree_unlock();
    return error;
}
