/* Inodes and entries come and go. */
#include <string.h>

#include <unibuild/clock.h>
#include <unibuild/memory.h>

#include "inode.h"

#define NANOSECONDS 1000000000ULL

/* As many as there may be pages, so that empty files take no more than full ones. */
static uint64_t entries;

uint64_t ub_tmpfs_entries(void)
{
    return __atomic_load_n(&entries, __ATOMIC_RELAXED);
}

static bool entry_count(void)
{
    bool room = __atomic_add_fetch(&entries, 1, __ATOMIC_RELAXED) <= ub_tmpfs_limit();
    if (!room) {
        (void)__atomic_sub_fetch(&entries, 1, __ATOMIC_RELAXED);
    }
    return room;
}

struct timespec ub_tmpfs_now(void)
{
    uint64_t now = ub_clock_realtime();
    return (struct timespec){.tv_sec = (time_t)(now / NANOSECONDS),
                             .tv_nsec = (long)(now % NANOSECONDS)};
}

static struct ub_tmpfs_inode *inode_make(uint32_t mode)
{
    static uint32_t last_number = 1;
    struct ub_tmpfs_inode *inode = ub_heap_allocate_zeroed(sizeof *inode);
    if (inode == NULL) {
        return NULL;
    }
    inode->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
    inode->mode = mode;
    inode->links = S_ISDIR(mode) ? 2 : 1;
    inode->next_order = 2;
    inode->accessed = inode->modified = inode->changed = ub_tmpfs_now();
    return inode;
}

static void inode_free(struct ub_tmpfs_inode *inode)
{
    ub_tmpfs_pages_drop(&inode->pages, 0, UINT64_MAX, false);
    ub_heap_free(inode->target);
    ub_heap_free(inode);
}

static void entry_free(struct ub_tmpfs_entry *entry)
{
    ub_heap_free(entry);
    (void)__atomic_sub_fetch(&entries, 1, __ATOMIC_RELAXED);
}

struct ub_tmpfs_entry *ub_tmpfs_entry_of(struct ub_tmpfs_inode *inode, const char *name,
                                         size_t length)
{
    if (!entry_count()) {
        return NULL;
    }
    struct ub_tmpfs_entry *entry = ub_heap_allocate_zeroed(sizeof *entry);
    if (entry == NULL) {
        entry_free(NULL);
        return NULL;
    }
    char *copy = name != NULL ? ub_heap_allocate(length + 1) : NULL;
    if (name != NULL && copy == NULL) {
        entry_free(entry);
        return NULL;
    }
    if (name != NULL) {
        memcpy(copy, name, length);
        copy[length] = '\0';
    }
    entry->references = 1;
    entry->inode = inode;
    (void)__atomic_add_fetch(&inode->entries, 1, __ATOMIC_RELAXED);
    entry->node.name = copy;
    entry->node.name_length = (uint32_t)length;
    entry->node.mode = inode->mode;
    entry->node.system = &ub_tmpfs_node_operations;
    entry->node.operations =
        S_ISDIR(inode->mode) ? &ub_directory_operations : &ub_tmpfs_file_operations;
    return entry;
}

struct ub_tmpfs_entry *ub_tmpfs_entry_make(const char *name, size_t length, uint32_t mode)
{
    struct ub_tmpfs_inode *inode = inode_make(mode);
    struct ub_tmpfs_entry *entry = inode != NULL ? ub_tmpfs_entry_of(inode, name, length) : NULL;
    if (entry == NULL && inode != NULL) {
        inode_free(inode);
    }
    return entry;
}

void ub_tmpfs_hold(struct ub_node *node)
{
    (void)__atomic_add_fetch(&((struct ub_tmpfs_entry *)node)->references, 1, __ATOMIC_RELAXED);
}

void ub_tmpfs_release(struct ub_node *node)
{
    while (node != NULL && node->system == &ub_tmpfs_node_operations) {
        struct ub_tmpfs_entry *entry = (struct ub_tmpfs_entry *)node;
        if (__atomic_sub_fetch(&entry->references, 1, __ATOMIC_ACQ_REL) != 0) {
            return;
        }
        node = node->parent; /* which it held */
        if (__atomic_sub_fetch(&entry->inode->entries, 1, __ATOMIC_ACQ_REL) == 0) {
            inode_free(entry->inode);
        }
        ub_heap_free((void *)(uintptr_t)entry->node.name);
        entry_free(entry);
    }
}
