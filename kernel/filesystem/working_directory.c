/* getcwd, chdir, fchdir. */
#include <string.h>

#include <unibuild/filesystem.h>

static long change(struct ub_node *node)
{
    if (!S_ISDIR(node->mode)) {
        return -ENOTDIR;
    }
    ub_working_directory = node;
    return 0;
}

long ub_sys_chdir(const char *path)
{
    struct ub_node *node;
    int error = ub_path_find(AT_FDCWD, path, UB_FOLLOW, &node);
    return error != 0 ? error : change(node);
}

long ub_sys_fchdir(long descriptor)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    struct ub_node *node = ub_file_node(file);
    ub_file_put(file);
    return node != NULL ? change(node) : -ENOTDIR;
}

/* Returns the length with the NUL, as the system call does. */
long ub_sys_getcwd(char *buffer, size_t size)
{
    const struct ub_node *root = ub_filesystem_root();
    const struct ub_node *directory = ub_working_directory != NULL ? ub_working_directory : root;
    size_t length = directory == root ? 1 : 0;
    for (const struct ub_node *node = directory; node != root; node = node->parent) {
        length += node->name_length + 1;
    }
    if (length + 1 > size) {
        return -ERANGE;
    }
    buffer[0] = '/';
    buffer[length] = '\0';
    char *end = buffer + length;
    for (const struct ub_node *node = directory; node != root; node = node->parent) {
        end -= node->name_length;
        memcpy(end, node->name, node->name_length);
        *--end = '/';
    }
    return (long)length + 1;
}
