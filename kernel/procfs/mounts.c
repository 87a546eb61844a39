/* What is mounted, as mountinfo, mounts and statfs tell it. */
#include <string.h>

#include "text.h"

#define PATH_ROOM 64U /* more than the longest path below */

struct mount {
    const char *path, *type, *options;
    uint32_t magic; /* of statfs; 0: the file system says it itself */
};

static const struct mount mounts[] = {
    {"/", "rootfs", "ro", 0},
    {"/proc", "proc", "rw", 0x9fa0},
    {"/sys", "sysfs", "ro", 0x62656572},
    {"/sys/fs/cgroup", "cgroup2", "ro", 0x63677270},
    {"/tmp", "tmpfs", "rw", 0},
    {"/var/tmp", "tmpfs", "rw", 0},
    {"/run", "tmpfs", "rw", 0},
    {"/dev/shm", "tmpfs", "rw", 0},
};

uint32_t ub_procfs_magic(const struct ub_node *node)
{
    char path[PATH_ROOM];
    uint32_t magic = 0;
    long length;
    /* What is deep below has a path that is too long; its file system is that of what is above. */
    while ((length = ub_node_path(node, path, sizeof path)) == -ERANGE) {
        node = node->parent;
    }
    for (size_t i = 0; length > 0 && i < sizeof mounts / sizeof mounts[0]; i++) {
        size_t prefix = strlen(mounts[i].path);
        bool below = strncmp(path, mounts[i].path, prefix) == 0 &&
                     (path[prefix] == '/' || path[prefix] == '\0');
        magic = below && mounts[i].magic != 0 ? mounts[i].magic : magic;
    }
    return magic;
}

/* Writable file systems are only where the archive had nothing. */
static bool is_there(const struct mount *mount)
{
    struct ub_node *node;
    if (mount->type[0] != 't') {
        return true;
    }
    ub_tree_lock();
    bool there = ub_path_find(AT_FDCWD, mount->path, UB_FOLLOW, &node) == 0 && node->system != NULL;
    ub_tree_unlock();
    return there;
}

void ub_make_mountinfo(struct ub_text *text)
{
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        if (is_there(&mounts[i])) {
            ub_text_print(text, "%u %u 0:%u / %s %s,relatime - %s %s %s\n", (uint64_t)(i + 1),
                          (uint64_t)1, (uint64_t)(i + 1), mounts[i].path, mounts[i].options,
                          mounts[i].type, mounts[i].type, mounts[i].options);
        }
    }
}

void ub_make_mounts(struct ub_text *text)
{
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        if (is_there(&mounts[i])) {
            ub_text_print(text, "%s %s %s %s,relatime 0 0\n", mounts[i].type, mounts[i].path,
                          mounts[i].type, mounts[i].options);
        }
    }
}
