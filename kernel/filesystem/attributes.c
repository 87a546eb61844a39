/* Modes, owners, sizes and times of nodes, by path or by descriptor. */
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "open_file.h"

#define KEEP ((uint32_t)-1) /* chown: leave this one */
#define NANOSECONDS 1000000000L

static int apply(struct ub_node *node, const struct ub_change *change)
{
    return node->system != NULL && node->system->change != NULL ? node->system->change(node, change)
                                                                : -EROFS;
}

static long change_path(long directory, const char *path, long flags,
                        const struct ub_change *change)
{
    struct ub_node *node;
    int error;
    ub_tree_lock();
    if ((flags & AT_EMPTY_PATH) && path[0] == '\0' && (int)directory != AT_FDCWD) {
        node = ub_tree_node_of(directory, &error);
        error = error == 0 && node == NULL ? -EROFS : error;
    } else {
        error = ub_path_find(directory, path,
                             (flags & AT_SYMLINK_NOFOLLOW) ? UB_NO_FOLLOW : UB_FOLLOW, &node);
    }
    if (error == 0) {
        error = apply(node, change);
    }
    ub_tree_unlock();
    return error;
}

/* `other`: the answer for what has no node (pipes, sockets). */
static long change_open(long descriptor, const struct ub_change *change, int other)
{
    int error;
    ub_tree_lock();
    struct ub_node *node = ub_tree_node_of(descriptor, &error);
    if (error == 0) {
        error = node != NULL ? apply(node, change) : other;
    }
    ub_tree_unlock();
    return error;
}

long ub_sys_fchmodat2(long directory, const char *path, long mode, long flags)
{
    struct ub_change change = {.what = UB_CHANGE_MODE, .mode = (uint32_t)mode & 07777};
    if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    return change_path(directory, path, flags, &change);
}

long ub_sys_fchmodat(long directory, const char *path, long mode)
{
    return ub_sys_fchmodat2(directory, path, mode, 0);
}

long ub_sys_fchmod(long descriptor, long mode)
{
    struct ub_change change = {.what = UB_CHANGE_MODE, .mode = (uint32_t)mode & 07777};
    return change_open(descriptor, &change, 0);
}

static struct ub_change owners(long user, long group)
{
    return (struct ub_change){
        .what = ((uint32_t)user != KEEP ? UB_CHANGE_USER : 0) |
                ((uint32_t)group != KEEP ? UB_CHANGE_GROUP : 0),
        .user = (uint32_t)user,
        .group = (uint32_t)group,
    };
}

long ub_sys_fchownat(long directory, const char *path, long user, long group, long flags)
{
    struct ub_change change = owners(user, group);
    if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    return change_path(directory, path, flags, &change);
}

long ub_sys_fchown(long descriptor, long user, long group)
{
    struct ub_change change = owners(user, group);
    return change_open(descriptor, &change, 0);
}

static bool time_valid(const struct timespec *time)
{
    return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT ||
           (time->tv_nsec >= 0 && time->tv_nsec < NANOSECONDS);
}

long ub_sys_utimensat(long directory, const char *path, const struct timespec times[2], long flags)
{
    static const struct timespec now = {.tv_nsec = UTIME_NOW};
    struct ub_change change = {.accessed = now, .modified = now};
    if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if (times != NULL) {
        if (!time_valid(&times[0]) || !time_valid(&times[1])) {
            return -EINVAL;
        }
        change.accessed = times[0];
        change.modified = times[1];
    }
    change.what = (change.accessed.tv_nsec != UTIME_OMIT ? UB_CHANGE_ACCESSED : 0) |
                  (change.modified.tv_nsec != UTIME_OMIT ? UB_CHANGE_MODIFIED : 0);
    return path == NULL ? change_open(directory, &change, -EROFS)
                        : change_path(directory, path, flags, &change);
}

long ub_sys_truncate(const char *path, int64_t size)
{
    struct ub_change change = {.what = UB_CHANGE_SIZE, .size = (uint64_t)size};
    struct ub_node *node;
    if (size < 0) {
        return -EINVAL;
    }
    ub_tree_lock();
    int error = ub_path_find(AT_FDCWD, path, UB_FOLLOW, &node);
    if (error == 0 && !S_ISREG(node->mode)) {
        error = S_ISDIR(node->mode) ? -EISDIR : -EINVAL;
    }
    if (error == 0) {
        error = apply(node, &change);
    }
    ub_tree_unlock();
    return error;
}

/* The regular file behind a descriptor that is open for writing. */
static struct ub_node *written_node(long descriptor, int *error)
{
    struct ub_node *node = ub_tree_node_of(descriptor, error);
    if (*error != 0) {
        return NULL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    bool writes = file != NULL && (file->flags & 3) != O_RDONLY && !(file->flags & O_PATH);
    if (file != NULL) {
        ub_file_put(file);
    }
    if (node == NULL || !S_ISREG(node->mode)) {
        *error = -EINVAL;
    } else if (!writes) {
        *error = -EINVAL;
    }
    return node;
}

long ub_sys_ftruncate(long descriptor, int64_t size)
{
    struct ub_change change = {.what = UB_CHANGE_SIZE, .size = (uint64_t)size};
    int error;
    if (size < 0) {
        return -EINVAL;
    }
    ub_tree_lock();
    struct ub_node *node = written_node(descriptor, &error);
    if (error == 0) {
        error = apply(node, &change);
    }
    ub_tree_unlock();
    return error;
}

long ub_sys_fallocate(long descriptor, long mode, int64_t offset, int64_t size)
{
    int error;
    if (offset < 0 || size <= 0) {
        return -EINVAL;
    }
    if (size > LONG_MAX - offset) {
        return -EFBIG;
    }
    ub_tree_lock();
    struct ub_node *node = written_node(descriptor, &error);
    if (error == -EINVAL) {
        error = node == NULL ? -ENODEV : -EBADF;
    }
    if (error == 0) {
        error = node->system != NULL && node->system->allocate != NULL
                    ? node->system->allocate(node, mode, (uint64_t)offset, (uint64_t)size)
                    : -EROFS;
    }
    ub_tree_unlock();
    return error;
}
