/* Nodes, whatever file system they are of. */
#include <string.h>

#include <unibuild/filesystem.h>

struct ub_node *ub_node_next(struct ub_node *directory, int64_t position)
{
    if (directory->system != NULL && directory->system->next != NULL) {
        return directory->system->next(directory, position);
    }
    struct ub_node *node = directory->children;
    while (node != NULL && node->order < position) {
        node = node->sibling;
    }
    return node;
}

const char *ub_node_target(struct ub_node *link, size_t *length)
{
    if (link->system != NULL && link->system->target != NULL) {
        return link->system->target(link, length);
    }
    *length = link->size;
    return link->content;
}

void ub_node_hold(struct ub_node *node)
{
    if (node->system != NULL && node->system->hold != NULL) {
        node->system->hold(node);
    }
}

void ub_node_release(struct ub_node *node)
{
    if (node->system != NULL && node->system->release != NULL) {
        node->system->release(node);
    }
}

long ub_node_path(const struct ub_node *node, char *buffer, size_t size)
{
    const struct ub_node *root = ub_filesystem_root();
    size_t length = node == root ? 1 : 0;
    for (const struct ub_node *at = node; at != root; at = at->parent) {
        if (at->name == NULL) {
            return -ENOENT;
        }
        length += at->name_length + 1;
    }
    if (length + 1 > size) {
        return -ERANGE;
    }
    buffer[0] = '/';
    buffer[length] = '\0';
    char *end = buffer + length;
    for (; node != root; node = node->parent) {
        end -= node->name_length;
        memcpy(end, node->name, node->name_length);
        *--end = '/';
    }
    return (long)length;
}
