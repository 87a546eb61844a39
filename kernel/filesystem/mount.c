/*
 * From the archive to an index: two passes, one to count, one to fill an array of nodes and a hash
 * table of (directory, name). A lookup costs the same in a large archive as in a small one.
 */
#include <stdbool.h>
#include <string.h>

#include <unibuild/filesystem.h>
#include <unibuild/image.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>

#include "archive.h"
#include "open_file.h"

/* Of other components, when the image has them. */
#pragma weak ub_procfs_nodes
#pragma weak ub_procfs_node_count
#pragma weak ub_tmpfs_nodes
#pragma weak ub_tmpfs_node_count
#pragma weak ub_tmpfs_mount

struct catalogue {
    struct ub_node *nodes;
    size_t count;
    size_t capacity;
    struct ub_node **buckets;
    size_t bucket_mask;
};

static struct catalogue catalogue;
static struct ub_mutex mount_lock;
static bool mounted;

static _Noreturn void refuse(size_t position, const char *why)
{
    ub_panic("root file system refused: %s (archive offset %lu)", why, position);
}

/* FNV-1a over the name, begun with the directory. */
static struct ub_node **bucket_of(const struct ub_node *directory, const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325ULL ^ ((uint64_t)directory >> 4);
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3ULL;
    }
    return &catalogue.buckets[(hash ^ (hash >> 32)) & catalogue.bucket_mask];
}

static struct ub_node *archive_child(const struct ub_node *directory, const char *name,
                                     size_t length)
{
    struct ub_node *node = *bucket_of(directory, name, length);
    while (node != NULL && (node->parent != directory || node->name_length != length ||
                            memcmp(node->name, name, length) != 0)) {
        node = node->hash_next;
    }
    return node;
}

struct ub_node *ub_node_child(struct ub_node *directory, const char *name, size_t length)
{
    if (directory->system != NULL) {
        return directory->system->child != NULL ? directory->system->child(directory, name, length)
                                                : NULL;
    }
    struct ub_node *node = archive_child(directory, name, length);
    bool mounted_on = node != NULL && S_ISDIR(node->mode) && node->content != NULL;
    return mounted_on ? (struct ub_node *)(uintptr_t)node->content : node;
}

static struct ub_node *node_add(struct ub_node *directory, const char *name, size_t length,
                                uint32_t mode)
{
    struct ub_node *node = &catalogue.nodes[catalogue.count++];
    node->parent = directory;
    node->name = name;
    node->name_length = (uint32_t)length;
    node->mode = mode;
    node->order = (uint32_t)catalogue.count; /* from 2 on: the root is 1 */

    struct ub_node **bucket = bucket_of(directory, name, length);
    node->hash_next = *bucket;
    *bucket = node;
    if (directory->last_child != NULL) {
        directory->last_child->sibling = node;
    } else {
        directory->children = node;
    }
    directory->last_child = node;
    return node;
}

static void entry_add(const struct ub_archive_entry *entry, size_t position)
{
    struct ub_node *directory = catalogue.nodes; /* the root */
    const char *part = entry->path;
    const char *end = entry->path + entry->path_length;
    if (part == end) {
        if (!S_ISDIR(entry->mode)) {
            refuse(position, "the root is not a directory");
        }
        return;
    }
    const char *slash;
    while ((slash = memchr(part, '/', (size_t)(end - part))) != NULL) {
        directory = archive_child(directory, part, (size_t)(slash - part));
        if (directory == NULL || !S_ISDIR(directory->mode)) {
            refuse(position, "an entry's directory does not stand before it");
        }
        part = slash + 1;
    }
    if (archive_child(directory, part, (size_t)(end - part)) != NULL) {
        refuse(position, "two entries have the same path");
    }
    struct ub_node *node = node_add(directory, part, (size_t)(end - part), entry->mode);
    node->modified = entry->modified;
    node->content = S_ISDIR(entry->mode) ? NULL : entry->content;
    node->size = entry->size;
}

/* Calls entry_add, or only counts. An image without files has no archive at all. */
static size_t entries_read(bool add)
{
    struct ub_archive archive = {
        .bytes = ub_image_root_start,
        .size = (size_t)(ub_image_root_end - ub_image_root_start),
    };
    struct ub_archive_entry entry;
    size_t count = 0;
    size_t position = 0;
    if (archive.size == 0) {
        return 0;
    }
    while (ub_archive_next(&archive, &entry)) {
        if (add) {
            entry_add(&entry, position);
        }
        count++;
        position = archive.position;
    }
    if (archive.error != NULL) {
        refuse(position, archive.error);
    }
    return count;
}

/* How many parts a path has, each of which may take a node. */
static size_t parts_of(const char *path)
{
    size_t parts = 1;
    for (; *path != '\0'; path++) {
        parts += *path == '/';
    }
    return parts;
}

/* Whether what is at the path was added now. The node, or NULL when the archive has a file where
 * a directory should be. */
static struct ub_node *path_add(const char *path, uint32_t mode, bool *added)
{
    struct ub_node *node = catalogue.nodes;
    *added = false;
    while (*path != '\0') {
        if (!S_ISDIR(node->mode)) {
            return NULL;
        }
        const char *slash = strchr(path, '/');
        size_t length = slash != NULL ? (size_t)(slash - path) : strlen(path);
        struct ub_node *child = archive_child(node, path, length);
        *added = child == NULL;
        if (child == NULL) {
            child = node_add(node, path, length, slash != NULL ? S_IFDIR | 0555 : mode);
        }
        node = child;
        path += length + (slash != NULL);
    }
    return node;
}

static size_t builtin_parts(const struct ub_builtin_node *nodes, size_t count)
{
    size_t parts = 0;
    for (size_t i = 0; i < count; i++) {
        parts += parts_of(nodes[i].path);
    }
    return parts;
}

static void builtin_add(const struct ub_builtin_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool added;
        struct ub_node *node = path_add(nodes[i].path, nodes[i].mode, &added);
        if (added) {
            node->size = nodes[i].size;
            node->content = nodes[i].content;
            node->operations = nodes[i].operations;
            node->system = nodes[i].system;
        }
    }
}

static void mount(void)
{
    size_t procfs_nodes = &ub_procfs_node_count != NULL ? ub_procfs_node_count : 0;
    size_t tmpfs_nodes = &ub_tmpfs_node_count != NULL ? ub_tmpfs_node_count : 0;
    catalogue.capacity = entries_read(false) + 1; /* the root */
    catalogue.capacity += builtin_parts(ub_device_nodes, ub_device_node_count);
    catalogue.capacity += builtin_parts(ub_procfs_nodes, procfs_nodes);
    catalogue.capacity += builtin_parts(ub_tmpfs_nodes, tmpfs_nodes);
    size_t buckets = 16;
    while (buckets < catalogue.capacity) {
        buckets *= 2;
    }
    catalogue.bucket_mask = buckets - 1;
    catalogue.buckets = ub_heap_allocate_zeroed(buckets * sizeof(struct ub_node *));
    catalogue.nodes = ub_heap_allocate_zeroed(catalogue.capacity * sizeof(struct ub_node));
    if (catalogue.buckets == NULL || catalogue.nodes == NULL) {
        ub_panic("root file system: no memory for an index of %lu entries", catalogue.capacity);
    }
    struct ub_node *root = &catalogue.nodes[catalogue.count++];
    root->parent = root;
    root->mode = S_IFDIR | 0555;
    root->order = 1;
    (void)entries_read(true);
    builtin_add(ub_device_nodes, ub_device_node_count);
    builtin_add(ub_procfs_nodes, procfs_nodes);
    builtin_add(ub_tmpfs_nodes, tmpfs_nodes);
    if (ub_tmpfs_mount != NULL) {
        ub_tmpfs_mount(root);
    }
}

struct ub_node *ub_filesystem_root(void)
{
    if (!__atomic_load_n(&mounted, __ATOMIC_ACQUIRE)) {
        ub_mutex_lock(&mount_lock);
        if (!mounted) {
            mount();
            __atomic_store_n(&mounted, true, __ATOMIC_RELEASE);
        }
        ub_mutex_unlock(&mount_lock);
    }
    return catalogue.nodes;
}
