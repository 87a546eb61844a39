/*
 * Inside kernel/tmpfs: what is behind names (inodes), and the names (entries).
 *
 * The tree's lock guards names, directories and counts of links; an inode's mutex its contents; its
 * spin lock the pages and the size, so that page faults may look at them. References are atomic.
 */
#ifndef UNIBUILD_TMPFS_INODE_H
#define UNIBUILD_TMPFS_INODE_H

#include <unibuild/tmpfs.h>

#include "pages.h"

struct ub_tmpfs_inode {
    unsigned entries; /* atomic; the last one takes the inode along */
    uint32_t number, mode, user, group, links;
    struct timespec accessed, modified, changed;
    struct ub_mutex contents_lock;
    struct ub_lock pages_lock;
    struct ub_tmpfs_pages pages;
    uint64_t size;
    bool mapped;         /* once and for good */
    bool unnamed;        /* made without a name, and may still get one */
    char *target;        /* of a symbolic link, from the heap */
    uint32_t next_order; /* of a directory's entries */
};

struct ub_tmpfs_entry {
    struct ub_node node;
    unsigned references; /* atomic: its place in the tree, its children, who holds it */
    struct ub_tmpfs_inode *inode;
};

static inline struct ub_tmpfs_inode *ub_tmpfs_inode_of(const struct ub_node *node)
{
    return ((const struct ub_tmpfs_entry *)node)->inode;
}

extern const struct ub_node_operations ub_tmpfs_node_operations;
extern const struct ub_file_operations ub_tmpfs_file_operations;

struct timespec ub_tmpfs_now(void);
/* Entries of all directories and files without a name; there may be ub_tmpfs_limit() of them. */
uint64_t ub_tmpfs_entries(void);

/* A new entry and its inode, in no directory yet, with one reference; NULL when memory is out. */
struct ub_tmpfs_entry *ub_tmpfs_entry_make(const char *name, size_t length, uint32_t mode);
/* The same for an inode that is there already. */
struct ub_tmpfs_entry *ub_tmpfs_entry_of(struct ub_tmpfs_inode *inode, const char *name,
                                         size_t length);
void ub_tmpfs_hold(struct ub_node *node);
void ub_tmpfs_release(struct ub_node *node);

int ub_tmpfs_resize(struct ub_tmpfs_inode *inode, uint64_t size);
int ub_tmpfs_allocate(struct ub_node *node, long mode, uint64_t offset, uint64_t size);

#endif
