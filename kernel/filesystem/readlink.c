#include <string.h>

#include <unibuild/filesystem.h>

long ub_sys_readlinkat(long directory, const char *path, char *buffer, long size)
{
    struct ub_node *node;
    if (size <= 0) {
        return -EINVAL;
    }
    ub_tree_lock();
    long result = 0;
    if (path[0] == '\0' && (int)directory != AT_FDCWD) {
        int error; /* a link opened with O_PATH */
        node = ub_tree_node_of(directory, &error);
        result = error == 0 && node == NULL ? -ENOENT : error;
    } else {
        result = ub_path_find(directory, path, UB_NO_FOLLOW, &node);
    }
    if (result == 0 && !S_ISLNK(node->mode)) {
        result = path[0] == '\0' ? -ENOENT : -EINVAL;
    }
    if (result == 0) {
        size_t length;
        const char *target = ub_node_target(node, &length);
        length = length < (size_t)size ? length : (size_t)size;
        memcpy(buffer, target, length);
        result = (long)length;
    }
    ub_tree_unlock();
    return result;
}
