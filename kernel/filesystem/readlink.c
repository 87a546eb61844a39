#include <string.h>

#include <unibuild/filesystem.h>

long ub_sys_readlinkat(long directory, const char *path, char *buffer, long size)
{
    struct ub_node *node;
    if (size <= 0) {
        return -EINVAL;
    }
    int error = ub_path_find(directory, path, UB_NO_FOLLOW, &node);
    if (error != 0) {
        return error;
    }
    if (!S_ISLNK(node->mode)) {
        return -EINVAL;
    }
    size_t count = node->size < (size_t)size ? (size_t)node->size : (size_t)size;
    memcpy(buffer, node->content, count);
    return (long)count;
}
