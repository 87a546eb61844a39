/* What is mounted, as mountinfo and mounts tell it. */
#include "text.h"

struct mount {
    const char *path, *type, *options;
};

static const struct mount mounts[] = {
    {"/", "rootfs", "ro"},   {"/proc", "proc", "rw"},
    {"/sys", "sysfs", "ro"}, {"/sys/fs/cgroup", "cgroup2", "ro"},
    {"/tmp", "tmpfs", "rw"}, {"/var/tmp", "tmpfs", "rw"},
    {"/run", "tmpfs", "rw"}, {"/dev/shm", "tmpfs", "rw"},
};

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
