/* getcwd, chdir, fchdir. */
#include <unibuild/filesystem.h>

static long change(struct ub_node *node)
{
    if (!S_ISDIR(node->mode)) {
        return -ENOTDIR;
    }
    ub_node_hold(node);
    if (ub_working_directory != NULL) {
        ub_node_release(ub_working_directory);
    }
    ub_working_directory = node;
    return 0;
}

long ub_sys_chdir(const char *path)
{
    struct ub_node *node;
    ub_tree_lock();
    long result = ub_path_find(AT_FDCWD, path, UB_FOLLOW, &node);
    if (result == 0) {
        result = change(node);
    }
    ub_tree_unlock();
    return result;
}

long ub_sys_fchdir(long descriptor)
{
    int error;
    ub_tree_lock();
    struct ub_node *node = ub_tree_node_of(descriptor, &error);
    long result = error != 0 ? error : node != NULL ? change(node) : -ENOTDIR;
    ub_tree_unlock();
    return result;
}

/* Returns the length with the NUL, as the system call does. */
long ub_sys_getcwd(char *buffer, size_t size)
{
    ub_tree_lock();
    struct ub_node *root = ub_filesystem_root();
    long length =
        ub_node_path(ub_working_directory != NULL ? ub_working_directory : root, buffer, size);
    ub_tree_unlock();
    return length < 0 ? length : length + 1;
}
