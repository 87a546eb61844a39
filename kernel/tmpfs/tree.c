/* Names: looking up, making, linking, removing, moving. All with the tree's lock held. */
#include <string.h>

#include <unibuild/memory.h>

#include "inode.h"

#define BUCKETS 256U /* a power of two */

static struct ub_node *buckets[BUCKETS];

/* FNV-1a over the name, begun with the directory. */
static struct ub_node **bucket_of(const struct ub_node *directory, const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325ULL ^ ((uint64_t)directory >> 4);
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3ULL;
    }
    return &buckets[(hash ^ (hash >> 32)) % BUCKETS];
}

static struct ub_node *child(struct ub_node *directory, const char *name, size_t length)
{
    struct ub_node *node = *bucket_of(directory, name, length);
    while (node != NULL && (node->parent != directory || node->name_length != length ||
                            memcmp(node->name, name, length) != 0)) {
        node = node->hash_next;
    }
    return node;
}

static void changed_now(struct ub_node *directory)
{
    struct ub_tmpfs_inode *inode = ub_tmpfs_inode_of(directory);
    inode->modified = inode->changed = ub_tmpfs_now();
}

/* Puts the entry at the end of its directory, whose reference it takes. */
static void attach(struct ub_node *directory, struct ub_node *node)
{
    struct ub_node **bucket = bucket_of(directory, node->name, node->name_length);
    ub_tmpfs_hold(directory);
    node->parent = directory;
    node->hash_next = *bucket;
    *bucket = node;
    node->order = ub_tmpfs_inode_of(directory)->next_order++;
    node->sibling = NULL;
    if (directory->last_child != NULL) {
        directory->last_child->sibling = node;
    } else {
        directory->children = node;
    }
    directory->last_child = node;
    if (S_ISDIR(node->mode)) {
        ub_tmpfs_inode_of(directory)->links++;
    }
    changed_now(directory);
}

/* Takes it out; it goes on holding the directory, which the caller gets to release. */
static struct ub_node *detach(struct ub_node *node)
{
    struct ub_node *directory = node->parent;
    struct ub_node **place = bucket_of(directory, node->name, node->name_length);
    while (*place != node) {
        place = &(*place)->hash_next;
    }
    *place = node->hash_next;
    struct ub_node *previous = NULL;
    for (struct ub_node *at = directory->children; at != node; at = at->sibling) {
        previous = at;
    }
    if (previous != NULL) {
        previous->sibling = node->sibling;
    } else {
        directory->children = node->sibling;
    }
    if (directory->last_child == node) {
        directory->last_child = previous;
    }
    if (S_ISDIR(node->mode)) {
        ub_tmpfs_inode_of(directory)->links--;
    }
    changed_now(directory);
    return directory;
}

static bool is_removed(const struct ub_node *directory)
{
    return directory->name == NULL;
}

static int make(struct ub_node *directory, const char *name, size_t length, uint32_t mode,
                const char *target, struct ub_node **made)
{
    if (is_removed(directory)) {
        return -ENOENT;
    }
    struct ub_tmpfs_entry *entry = ub_tmpfs_entry_make(name, length, mode);
    if (entry == NULL) {
        return -ENOSPC;
    }
    struct ub_tmpfs_inode *inode = entry->inode;
    if (target != NULL) {
        inode->size = strlen(target);
        inode->target = ub_heap_allocate(inode->size + 1);
        if (inode->target == NULL) {
            ub_tmpfs_release(&entry->node);
            return -ENOSPC;
        }
        memcpy(inode->target, target, inode->size + 1);
    }
    if (name != NULL) {
        attach(directory, &entry->node);
    } else {
        inode->links = 0;
        inode->unnamed = true;
    }
    *made = &entry->node;
    return 0;
}

static int link_entry(struct ub_node *node, struct ub_node *directory, const char *name,
                      size_t length)
{
    struct ub_tmpfs_inode *inode = ub_tmpfs_inode_of(node);
    if (is_removed(directory) || (inode->links == 0 && !inode->unnamed)) {
        return -ENOENT;
    }
    struct ub_tmpfs_entry *entry = ub_tmpfs_entry_of(inode, name, length);
    if (entry == NULL) {
        return -ENOSPC;
    }
    inode->links++;
    inode->unnamed = false;
    inode->changed = ub_tmpfs_now();
    attach(directory, &entry->node);
    return 0;
}

/* The name goes; who holds the entry keeps the file. */
static void forget(struct ub_node *node)
{
    struct ub_tmpfs_inode *inode = ub_tmpfs_inode_of(node);
    (void)detach(node); /* its hold on the directory ends with itself */
    inode->links -= S_ISDIR(node->mode) ? 2 : 1;
    inode->changed = ub_tmpfs_now();
    ub_heap_free((void *)(uintptr_t)node->name);
    node->name = NULL;
    ub_tmpfs_release(node);
}

static int remove_entry(struct ub_node *node)
{
    if (node->children != NULL) {
        return -ENOTEMPTY;
    }
    forget(node);
    return 0;
}

static int rename_entry(struct ub_node *node, struct ub_node *directory, const char *name,
                        size_t length)
{
    if (is_removed(directory)) {
        return -ENOENT;
    }
    struct ub_node *replaced = child(directory, name, length);
    if (replaced != NULL && ub_tmpfs_inode_of(replaced) == ub_tmpfs_inode_of(node)) {
        return 0; /* two names of one file stay two */
    }
    char *copy = ub_heap_allocate(length + 1);
    if (copy == NULL) {
        return -ENOSPC;
    }
    memcpy(copy, name, length);
    copy[length] = '\0';
    if (replaced != NULL) {
        forget(replaced);
    }
    struct ub_node *before = detach(node);
    ub_heap_free((void *)(uintptr_t)node->name);
    node->name = copy;
    node->name_length = (uint32_t)length;
    attach(directory, node);
    ub_tmpfs_inode_of(node)->changed = ub_tmpfs_now();
    ub_tmpfs_release(before);
    return 0;
}

static int exchange(struct ub_node *one, struct ub_node *other)
{
    struct ub_node *one_directory = detach(one);
    struct ub_node *other_directory = detach(other);
    const char *name = one->name;
    uint32_t length = one->name_length;
    one->name = other->name;
    one->name_length = other->name_length;
    other->name = name;
    other->name_length = length;
    attach(other_directory, one);
    attach(one_directory, other);
    ub_tmpfs_release(one_directory);
    ub_tmpfs_release(other_directory);
    return 0;
}

static const char *target(struct ub_node *link, size_t *length)
{
    *length = ub_tmpfs_inode_of(link)->size;
    return ub_tmpfs_inode_of(link)->target;
}

static void status(const struct ub_node *node, struct stat *result)
{
    const struct ub_tmpfs_inode *inode = ub_tmpfs_inode_of(node);
    result->st_dev = 2;
    result->st_ino = inode->number;
    result->st_nlink = inode->links;
    result->st_mode = inode->mode;
    result->st_uid = inode->user;
    result->st_gid = inode->group;
    result->st_size = (int64_t)inode->size;
    result->st_blocks = (int64_t)(inode->pages.count * (UB_PAGE_SIZE / 512));
    result->st_atim = inode->accessed;
    result->st_mtim = inode->modified;
    result->st_ctim = inode->changed;
}

static void statistics(struct statfs *result)
{
    result->f_type = 0x01021994; /* TMPFS_MAGIC */
    result->f_bsize = UB_PAGE_SIZE;
    result->f_frsize = UB_PAGE_SIZE;
    result->f_blocks = ub_tmpfs_limit();
    result->f_bfree = ub_tmpfs_limit() - ub_tmpfs_used();
    result->f_bavail = result->f_bfree;
    result->f_files = ub_tmpfs_limit();
    result->f_ffree = ub_tmpfs_limit() - ub_tmpfs_entries();
    result->f_namelen = UB_NAME_MAXIMUM;
}

static struct timespec time_of(const struct timespec *time)
{
    return time->tv_nsec == UTIME_NOW ? ub_tmpfs_now() : *time;
}

static int change(struct ub_node *node, const struct ub_change *wanted)
{
    struct ub_tmpfs_inode *inode = ub_tmpfs_inode_of(node);
    if (wanted->what & UB_CHANGE_SIZE) {
        int error = ub_tmpfs_resize(inode, wanted->size);
        if (error != 0) {
            return error;
        }
    }
    if (wanted->what & UB_CHANGE_MODE) {
        inode->mode = (inode->mode & S_IFMT) | wanted->mode;
    }
    if (wanted->what & UB_CHANGE_USER) {
        inode->user = wanted->user;
    }
    if (wanted->what & UB_CHANGE_GROUP) {
        inode->group = wanted->group;
    }
    if (wanted->what & UB_CHANGE_ACCESSED) {
        inode->accessed = time_of(&wanted->accessed);
    }
    if (wanted->what & UB_CHANGE_MODIFIED) {
        inode->modified = time_of(&wanted->modified);
    }
    inode->changed = ub_tmpfs_now();
    return 0;
}

const struct ub_node_operations ub_tmpfs_node_operations = {
    .child = child,
    .target = target,
    .status = status,
    .statistics = statistics,
    .hold = ub_tmpfs_hold,
    .release = ub_tmpfs_release,
    .make = make,
    .link = link_entry,
    .remove = remove_entry,
    .rename = rename_entry,
    .exchange = exchange,
    .change = change,
    .allocate = ub_tmpfs_allocate,
};
