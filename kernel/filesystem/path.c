/*
 * From a path to a node: part by part, following symbolic links. What is left to walk is a small
 * stack of texts, the path and the targets of the links in it, so that links take no calls.
 */
#include <string.h>

#include <unibuild/filesystem.h>

struct ub_node *ub_working_directory;

/* A call looks up two paths at most, and few go through /proc/self/fd more than once. */
#define STARTS_MAXIMUM 6U

static struct ub_mutex tree_lock;
/* What paths began at or went through: its nodes may stay only as long as it is open. */
static struct ub_file *starts[STARTS_MAXIMUM];

void ub_tree_lock(void)
{
    ub_mutex_lock(&tree_lock);
}

void ub_tree_unlock(void)
{
    struct ub_file *open[STARTS_MAXIMUM];
    memcpy(open, starts, sizeof open);
    memset(starts, 0, sizeof starts);
    ub_mutex_unlock(&tree_lock);
    for (unsigned i = 0; i < STARTS_MAXIMUM; i++) {
        if (open[i] != NULL) {
            ub_file_put(open[i]);
        }
    }
}

struct ub_node *ub_tree_node_of(long descriptor, int *error)
{
    unsigned place = 0;
    while (place < STARTS_MAXIMUM && starts[place] != NULL) {
        place++;
    }
    struct ub_file *file = place < STARTS_MAXIMUM ? ub_file_get(descriptor) : NULL;
    if (file == NULL) {
        *error = place < STARTS_MAXIMUM ? -EBADF : -ELOOP;
        return NULL;
    }
    *error = 0;
    starts[place] = file;
    return ub_file_node(file);
}

struct text {
    const char *at, *end;
};

struct walk {
    struct ub_node *node; /* NULL at the end: the last part is not there */
    struct ub_node *directory;
    struct text part; /* the last one taken */
    bool named;       /* `part` is a name in `directory` */
    bool slash;       /* behind the last part */
    unsigned links;   /* followed so far; as many texts may wait below */
    unsigned depth;
    struct text texts[UB_LINK_MAXIMUM + 1];
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
    int error;
    *result = ub_tree_node_of(directory, &error);
    if (error == 0 && (*result == NULL || !S_ISDIR((*result)->mode))) {
        error = -ENOTDIR;
    }
    return error;
}

/* Takes the next part. False at the end. `last` and `slash` tell what comes after it. */
static bool next_part(struct walk *walk, bool *last, bool *slash)
{
    while (walk->depth > 0) {
        struct text *text = &walk->texts[walk->depth - 1];
        while (text->at < text->end && *text->at == '/') {
            text->at++;
        }
        if (text->at < text->end) {
            break;
        }
        walk->depth--;
    }
    if (walk->depth == 0) {
        return false;
    }
    struct text *text = &walk->texts[walk->depth - 1];
    walk->part.at = text->at;
    while (text->at < text->end && *text->at != '/') {
        text->at++;
    }
    walk->part.end = text->at;
    *last = true;
    *slash = false;
    for (unsigned i = 0; i < walk->depth && *last; i++) {
        const char *at = walk->texts[i].at;
        while (at < walk->texts[i].end && *at == '/') {
            *slash = true;
            at++;
        }
        *last = at == walk->texts[i].end;
    }
    return true;
}

static bool part_is(const struct walk *walk, const char *name)
{
    size_t length = strlen(name);
    return (size_t)(walk->part.end - walk->part.at) == length &&
           memcmp(walk->part.at, name, length) == 0;
}

static int enter_link(struct walk *walk)
{
    size_t length;
    const struct ub_node_operations *system = walk->node->system;
    struct ub_node *there =
        system != NULL && system->jump != NULL ? system->jump(walk->node) : NULL;
    if (there != NULL) {
        walk->node = there;
        return 0;
    }
    const char *target = ub_node_target(walk->node, &length);
    if (++walk->links > UB_LINK_MAXIMUM) {
        return -ELOOP;
    }
    walk->node = length > 0 && target[0] == '/' ? ub_filesystem_root() : walk->directory;
    walk->texts[walk->depth++] = (struct text){target, target + length};
    return length > 0 ? 0 : -ENOENT;
}

/* One part. A name that is missing is no error at the end: the node is NULL then. */
static int walk_part(struct walk *walk, bool last, bool slash, enum ub_follow follow)
{
    size_t length = (size_t)(walk->part.end - walk->part.at);
    if (!S_ISDIR(walk->node->mode)) {
        return -ENOTDIR;
    }
    walk->directory = walk->node;
    walk->slash = slash;
    walk->named = false;
    if (part_is(walk, ".")) {
        return 0;
    }
    if (part_is(walk, "..")) {
        walk->node = walk->node->parent;
        return 0;
    }
    if (length > UB_NAME_MAXIMUM) {
        return -ENAMETOOLONG;
    }
    walk->named = true;
    walk->node = ub_node_child(walk->directory, walk->part.at, length);
    if (walk->node == NULL) {
        return last ? 0 : -ENOENT;
    }
    /* A link in the middle, or with a slash after it, is always followed. */
    if (S_ISLNK(walk->node->mode) && (!last || slash || follow == UB_FOLLOW)) {
        return enter_link(walk);
    }
    return 0;
}

static int walk_path(struct walk *walk, long directory, const char *path, enum ub_follow follow)
{
    size_t length = strnlen(path, UB_PATH_MAXIMUM);
    if (length == 0) {
        return -ENOENT;
    }
    if (length == UB_PATH_MAXIMUM) {
        return -ENAMETOOLONG;
    }
    int error = start_of(directory, path, &walk->node);
    walk->directory = walk->node;
    walk->part = (struct text){path, path};
    walk->named = false;
    walk->slash = false;
    walk->links = 0;
    walk->depth = 1;
    walk->texts[0] = (struct text){path, path + length};
    bool last;
    bool slash;
    while (error == 0 && next_part(walk, &last, &slash)) {
        error = walk_part(walk, last, slash, follow);
    }
    if (error == 0 && walk->node != NULL && walk->slash && !S_ISDIR(walk->node->mode)) {
        error = -ENOTDIR;
    }
    return error;
}

int ub_path_find(long directory, const char *path, enum ub_follow follow, struct ub_node **result)
{
    struct walk walk __attribute__((uninitialized));
    int error = walk_path(&walk, directory, path, follow);
    *result = walk.node;
    return error == 0 && walk.node == NULL ? -ENOENT : error;
}

int ub_path_find_end(long directory, const char *path, enum ub_follow follow,
                     struct ub_path_end *end)
{
    struct walk walk __attribute__((uninitialized));
    int error = walk_path(&walk, directory, path, follow);
    *end = (struct ub_path_end){
        .directory = walk.directory,
        .name = walk.named ? walk.part.at : NULL,
        .length = (size_t)(walk.part.end - walk.part.at),
        .slash = walk.slash,
        .node = walk.node,
    };
    return error;
}
