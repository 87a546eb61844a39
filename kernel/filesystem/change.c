/* Making, naming and removing: the checks that all file systems share. */
#include <string.h>

#include "open_file.h"

/* Flags of renameat2. */
#define NO_REPLACE 1L
#define EXCHANGE 2L

/* Where a new name is to be. */
static int place_find(long directory, const char *path, struct ub_path_end *end)
{
    int error = ub_path_find_end(directory, path, UB_NO_FOLLOW, end);
    if (error == 0 && end->node != NULL) {
        error = -EEXIST;
    }
    return error;
}

static long make(long directory, const char *path, uint32_t mode, const char *target)
{
    struct ub_path_end end;
    struct ub_node *made;
    ub_tree_lock();
    int error = place_find(directory, path, &end);
    if (error == 0 && end.slash && !S_ISDIR(mode)) {
        error = -ENOENT;
    }
    if (error == 0) {
        const struct ub_node_operations *system = end.directory->system;
        error = system == NULL || system->make == NULL
                    ? -EROFS
                    : system->make(end.directory, end.name, end.length, mode, target, &made);
    }
    ub_tree_unlock();
    return error;
}

long ub_sys_mkdirat(long directory, const char *path, long mode)
{
    uint32_t permissions = (uint32_t)mode & 01777 & ~ub_file_creation_mask();
    return make(directory, path, S_IFDIR | permissions, NULL);
}

/* Regular files only: nothing reads from devices or pipes that have names. */
long ub_sys_mknodat(long directory, const char *path, long mode, long device)
{
    (void)device;
    uint32_t type = (uint32_t)mode & S_IFMT;
    if (type != 0 && type != S_IFREG) {
        return type == S_IFDIR || type == S_IFLNK ? -EINVAL : -EPERM;
    }
    return make(directory, path, S_IFREG | ((uint32_t)mode & 07777 & ~ub_file_creation_mask()),
                NULL);
}

long ub_sys_symlinkat(const char *target, long directory, const char *path)
{
    size_t length = strnlen(target, UB_PATH_MAXIMUM);
    if (length == 0 || length == UB_PATH_MAXIMUM) {
        return length == 0 ? -ENOENT : -ENAMETOOLONG;
    }
    return make(directory, path, S_IFLNK | 0777, target);
}

/* Why ".", ".." and the root cannot be removed. */
static int nameless_error(const struct ub_path_end *end)
{
    return end->length == 0 ? -EBUSY : end->length == 1 ? -EINVAL : -ENOTEMPTY;
}

/* What may be removed or moved. `none` is the error when the path ends without a name, 0 that of
 * rmdir. */
static int victim_find(long directory, const char *path, int none, struct ub_path_end *end)
{
    int error = ub_path_find_end(directory, path, UB_NO_FOLLOW, end);
    if (error != 0) {
        return error;
    }
    if (end->name == NULL) {
        return none != 0 ? none : nameless_error(end);
    }
    if (end->node == NULL) {
        return -ENOENT;
    }
    if (end->node->system == NULL && end->directory->system == NULL) {
        return -EROFS;
    }
    return end->directory->system != end->node->system ? -EBUSY : 0; /* mounted there */
}

long ub_sys_unlinkat(long directory, const char *path, long flags)
{
    struct ub_path_end end;
    if (flags & ~(long)AT_REMOVEDIR) {
        return -EINVAL;
    }
    ub_tree_lock();
    int error = victim_find(directory, path, (flags & AT_REMOVEDIR) ? 0 : -EISDIR, &end);
    if (error == 0 && (end.node->system->remove == NULL)) {
        error = -EPERM;
    } else if (error == 0 && (flags & AT_REMOVEDIR)) {
        error = S_ISDIR(end.node->mode) ? end.node->system->remove(end.node) : -ENOTDIR;
    } else if (error == 0) {
        error = S_ISDIR(end.node->mode) ? -EISDIR : end.node->system->remove(end.node);
    }
    ub_tree_unlock();
    return error;
}

/* Whether `node` is `directory` or above it. */
static bool contains(const struct ub_node *node, const struct ub_node *directory)
{
    while (directory != node && directory->parent != directory) {
        directory = directory->parent;
    }
    return directory == node;
}

static int rename_check(const struct ub_path_end *from, const struct ub_path_end *to, long flags)
{
    bool is_directory = S_ISDIR(from->node->mode);
    if (to->name == NULL) {
        return -EBUSY;
    }
    if (to->directory->system != from->node->system) {
        return to->directory->system == NULL ? -EROFS : -EXDEV;
    }
    if ((flags & NO_REPLACE) && to->node != NULL) {
        return -EEXIST;
    }
    if ((flags & EXCHANGE) && to->node == NULL) {
        return -ENOENT;
    }
    if (is_directory && contains(from->node, to->directory)) {
        return -EINVAL;
    }
    if (to->node != NULL && contains(to->node, from->directory)) {
        return (flags & EXCHANGE) ? -EINVAL : -ENOTEMPTY;
    }
    if (to->slash && !is_directory) {
        return -ENOTDIR;
    }
    if (to->node == NULL || (flags & EXCHANGE)) {
        return 0;
    }
    if (to->node->system != from->node->system) {
        return -EBUSY;
    }
    if (S_ISDIR(to->node->mode) != is_directory) {
        return is_directory ? -ENOTDIR : -EISDIR;
    }
    return is_directory && ub_node_next(to->node, 0) != NULL ? -ENOTEMPTY : 0;
}

static int rename_locked(long from_directory, const char *from, long to_directory, const char *to,
                         long flags)
{
    struct ub_path_end source;
    struct ub_path_end target;
    int error = victim_find(from_directory, from, -EBUSY, &source);
    if (error == 0) {
        error = ub_path_find_end(to_directory, to, UB_NO_FOLLOW, &target);
    }
    if (error == 0) {
        error = rename_check(&source, &target, flags);
    }
    if (error != 0 || source.node == target.node) {
        return error;
    }
    const struct ub_node_operations *system = source.node->system;
    if (flags & EXCHANGE) {
        return system->exchange != NULL ? system->exchange(source.node, target.node) : -EPERM;
    }
    return system->rename != NULL
               ? system->rename(source.node, target.directory, target.name, target.length)
               : -EPERM;
}

long ub_sys_renameat2(long from_directory, const char *from, long to_directory, const char *to,
                      long flags)
{
    if ((flags & ~(NO_REPLACE | EXCHANGE)) != 0 || flags == (NO_REPLACE | EXCHANGE)) {
        return -EINVAL;
    }
    ub_tree_lock();
    int error = rename_locked(from_directory, from, to_directory, to, flags);
    ub_tree_unlock();
    return error;
}

long ub_sys_renameat(long from_directory, const char *from, long to_directory, const char *to)
{
    return ub_sys_renameat2(from_directory, from, to_directory, to, 0);
}

static int link_locked(long from_directory, const char *from, long to_directory, const char *to,
                       long flags)
{
    struct ub_node *node;
    struct ub_path_end end;
    int error = 0;
    if ((flags & AT_EMPTY_PATH) && from[0] == '\0') {
        node = ub_tree_node_of(from_directory, &error);
        error = error == 0 && node == NULL ? -EXDEV : error;
    } else {
        error = ub_path_find(from_directory, from,
                             (flags & AT_SYMLINK_FOLLOW) ? UB_FOLLOW : UB_NO_FOLLOW, &node);
    }
    if (error == 0) {
        error = place_find(to_directory, to, &end);
    }
    if (error != 0) {
        return error;
    }
    const struct ub_node_operations *system = end.directory->system;
    if (end.slash) {
        return -ENOENT;
    }
    if (system != node->system) {
        return system == NULL ? -EROFS : -EXDEV;
    }
    if (S_ISDIR(node->mode)) {
        return -EPERM;
    }
    return system == NULL || system->link == NULL
               ? -EROFS
               : system->link(node, end.directory, end.name, end.length);
}

long ub_sys_linkat(long from_directory, const char *from, long to_directory, const char *to,
                   long flags)
{
    if (flags & ~(long)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    ub_tree_lock();
    int error = link_locked(from_directory, from, to_directory, to, flags);
    ub_tree_unlock();
    return error;
}
