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
#include "device.h"

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

struct ub_node *ub_node_child(const struct ub_node *directory, const char *name, size_t length)
{
    struct ub_node *node = *bucket_of(directory, name, length);
    while (node != NULL && (node->parent != directory || node->name_length != length ||
                            memcmp(node->name, name, length) != 0)) {
        node = node->hash_next;
    }
    return node;
}

static struct ub_node *node_add(struct ub_node *directory, const char *name, size_t length,
                                uint32_t mode)
{
    struct ub_node *node = &catalogue.nodes[catalogue.count++];
    node->parent = directory;
    node->name = name;
    node->name_length = (uint32_t)length;
    node->mode = mode;
    node->inode = (uint32_t)catalogue.count;

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
        directory = ub_node_child(directory, part, (size_t)(slash - part));
        if (directory == NULL || !S_ISDIR(directory->mode)) {
            refuse(position, "an entry's directory does not stand before it");
        }
        part = slash + 1;
    }
    if (ub_node_child(directory, part, (size_t)(end - part)) != NULL) {
        refuse(position, "two entries have the same path");
    }
    struct ub_node *node = node_add(directory, part, (size_t)(end - part), entry->mode);
    node->modified = entry->modified;
    node->content = entry->content;
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

static void devices_add(void)
{
    struct ub_node *root = catalogue.nodes;
    struct ub_node *directory = ub_node_child(root, "dev", 3);
    if (directory == NULL) {
        directory = node_add(root, "dev", 3, S_IFDIR | 0555);
    }
    for (size_t i = 0; S_ISDIR(directory->mode) && i < ub_device_count; i++) {
        const struct ub_device *device = &ub_devices[i];
        if (ub_node_child(directory, device->name, strlen(device->name)) == NULL) {
            struct ub_node *node =
                node_add(directory, device->name, strlen(device->name), S_IFCHR | 0666);
            node->operations = device->operations;
        }
    }
}

static void mount(void)
{
    catalogue.capacity = entries_read(false) + 2 + ub_device_count; /* the root, /dev */
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
    root->inode = 1;
    (void)entries_read(true);
    devices_add();
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
