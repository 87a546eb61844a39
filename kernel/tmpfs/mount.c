/* Where the file system is: each place a directory of its own, unless the archive has something
 * there. */
#include <string.h>

#include "inode.h"

#define PLACE(path, mode) {path, S_IFDIR | (mode), 0, NULL, NULL, NULL}

const struct ub_builtin_node ub_tmpfs_nodes[] = {
    PLACE("tmp", S_ISVTX | 0777),
    PLACE("var/tmp", S_ISVTX | 0777),
    PLACE("run", 0755),
    PLACE("dev/shm", S_ISVTX | 0777),
};

const size_t ub_tmpfs_node_count = sizeof ub_tmpfs_nodes / sizeof ub_tmpfs_nodes[0];

static struct ub_node *find(struct ub_node *node, const char *path)
{
    while (node != NULL && *path != '\0') {
        const char *slash = strchr(path, '/');
        size_t length = slash != NULL ? (size_t)(slash - path) : strlen(path);
        node = S_ISDIR(node->mode) ? ub_node_child(node, path, length) : NULL;
        path += length + (slash != NULL);
    }
    return node;
}

void ub_tmpfs_mount(struct ub_node *root)
{
    for (size_t i = 0; i < ub_tmpfs_node_count; i++) {
        struct ub_node *node = find(root, ub_tmpfs_nodes[i].path);
        if (node == NULL || !S_ISDIR(node->mode) || node->children != NULL) {
            continue;
        }
        struct ub_tmpfs_entry *entry =
            ub_tmpfs_entry_make(node->name, node->name_length, ub_tmpfs_nodes[i].mode);
        if (entry != NULL) {
            entry->node.parent = node->parent;
            node->content = &entry->node;
        }
    }
}
