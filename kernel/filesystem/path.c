/* From a path to a node: part by part, following symbolic links. */
#include <string.h>

#include <unibuild/filesystem.h>

struct ub_node *ub_working_directory;

struct walk {
    struct ub_node *node;
    int links; /* followed so far */
};

static int start_of(long directory, const char *path, struct ub_node **result)
{
    struct ub_node *root = ub_filesystem_root();
    if (path[0] == '/') {
        *result = root;
        return 0;
    }
    if ((int)directory == AT_FDCWD) {
        *result = ub_working_directory != NULL ? ub_working_directory : root;
        return 0;
    }
    struct ub_file *file = ub_file_get(directory);
    if (file == NULL) {
        return -EBADF;
    }
    *result = ub_file_node(file);
    ub_file_put(file);
    return *result != NULL && S_ISDIR((*result)->mode) ? 0 : -ENOTDIR;
}

static int walk_path(struct walk *walk, const char *path, size_t length, enum ub_follow follow);

/* Goes on from the link's directory, or from the root, to where the link leads. */
static int walk_link(struct walk *walk, const struct ub_node *link)
{
    const char *target = link->content;
    if (++walk->links > UB_LINK_MAXIMUM) {
        return -ELOOP;
    }
    walk->node = target[0] == '/' ? ub_filesystem_root() : link->parent;
    return walk_path(walk, target, link->size, UB_FOLLOW);
}

/* One part; `last`: nothing but slashes comes after it. */
static int walk_part(struct walk *walk, const char *name, size_t length, enum ub_follow follow)
{
    if (!S_ISDIR(walk->node->mode)) {
        return -ENOTDIR;
    }
    if (length == 1 && name[0] == '.') {
        return 0;
    }
    if (length == 2 && name[0] == '.' && name[1] == '.') {
        walk->node = walk->node->parent;
        return 0;
    }
    struct ub_node *child = ub_node_child(walk->node, name, length);
    if (child == NULL) {
        return length > 255 ? -ENAMETOOLONG : -ENOENT;
    }
    if (S_ISLNK(child->mode) && follow == UB_FOLLOW) {
        return walk_link(walk, child);
    }
    walk->node = child;
    return 0;
}

static int walk_path(struct walk *walk, const char *path, size_t length, enum ub_follow follow)
{
    const char *end = path + length;
    while (path < end) {
        if (*path == '/') {
            path++;
            continue;
        }
        const char *slash = memchr(path, '/', (size_t)(end - path));
        const char *part_end = slash != NULL ? slash : end;
        /* A link in the middle, or with a slash after it, is always followed. */
        int error =
            walk_part(walk, path, (size_t)(part_end - path), slash != NULL ? UB_FOLLOW : follow);
        if (error != 0) {
            return error;
        }
        if (slash != NULL && !S_ISDIR(walk->node->mode)) {
            return -ENOTDIR;
        }
        path = part_end;
    }
    return 0;
}

int ub_path_find(long directory, const char *path, enum ub_follow follow, struct ub_node **result)
{
    size_t length = strnlen(path, UB_PATH_MAXIMUM);
    if (length == 0) {
        return -ENOENT;
    }
    if (length == UB_PATH_MAXIMUM) {
        return -ENAMETOOLONG;
    }
    struct walk walk = {0};
    int error = start_of(directory, path, &walk.node);
    if (error == 0) {
        error = walk_path(&walk, path, length, follow);
    }
    *result = walk.node;
    return error;
}
