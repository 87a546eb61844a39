/*
 * The file system: a tree whose root is read-only, from the cpio archive (newc) that the image
 * carries, with devices, generated files and writable file systems in it.
 *
 * The archive is checked and indexed at the first use: every header field is bounded by the
 * archive's end, names are relative paths without empty, "." or ".." parts (a leading "./" is
 * taken off), directories stand before what they hold, no path comes twice. An archive that breaks
 * a rule is refused: ub_panic names the rule and the offset of the entry. File contents are never
 * copied; read copies out of the image.
 *
 * Built-in nodes join the archive's wherever it has not the name itself: /dev with null, zero,
 * full, random, urandom, console and tty; and, in images of Linux programs, /proc, parts of /sys
 * and the least of /etc. A writable file system (kernel/tmpfs, in images of Linux programs that can
 * make files) is mounted at /tmp, /var/tmp, /run and /dev/shm, each where the archive has nothing.
 * Everywhere else creating and changing answers -EROFS. There is one user, root. Times of the
 * archive are what it says (0 in images that unibuild makes).
 */
#ifndef UNIBUILD_FILESYSTEM_H
#define UNIBUILD_FILESYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <time.h>

#include <unibuild/file.h>

#define UB_PATH_MAXIMUM 4096U /* with the NUL; longer is -ENAMETOOLONG */
#define UB_NAME_MAXIMUM 255U  /* a part of a path */
#define UB_LINK_MAXIMUM 40    /* symbolic links followed in one lookup; more is -ELOOP */

struct ub_node_operations;

/* One name in the tree, and what is behind it. Other file systems embed it first. */
struct ub_node {
    struct ub_node *parent; /* the root is its own */
    struct ub_node *hash_next;
    struct ub_node *children; /* a directory's, by `order` */
    struct ub_node *last_child;
    struct ub_node *sibling;
    const char *name; /* one part of a path, not NUL-terminated; NULL: removed */
    uint32_t name_length;
    uint32_t mode;
    uint32_t order;    /* rises among siblings, at least 2; in the archive the inode number too */
    uint32_t modified; /* seconds since 1970 */
    uint64_t size;     /* of a device its number */
    /* File bytes, where a link leads, or the directory that is mounted on this one. */
    const void *content;
    const struct ub_file_operations *operations; /* NULL: those of the archive */
    const struct ub_node_operations *system;     /* NULL: the archive */
};

/* What a call changes in a node. */
enum ub_change_what {
    UB_CHANGE_MODE = 1,
    UB_CHANGE_USER = 2,
    UB_CHANGE_GROUP = 4,
    UB_CHANGE_SIZE = 8,
    UB_CHANGE_ACCESSED = 16,
    UB_CHANGE_MODIFIED = 32,
};

struct ub_change {
    unsigned what;
    uint32_t mode, user, group;
    uint64_t size;
    struct timespec accessed, modified; /* tv_nsec may be UTIME_NOW */
};

/*
 * What a file system does. All but hold and release run with the tree's lock held; none waits.
 * Names are checked: not empty, not "." or "..", at most UB_NAME_MAXIMUM bytes. NULL members have
 * the default named beside them.
 */
struct ub_node_operations {
    /* An entry of a directory, or NULL; it stays until the lock is let go. NULL: none. */
    struct ub_node *(*child)(struct ub_node *directory, const char *name, size_t length);
    /* The first entry whose order is at least `position`. NULL: the list of children. */
    struct ub_node *(*next)(struct ub_node *directory, int64_t position);
    /* Where a link leads, with its length; good until the next call. NULL: node->content. */
    const char *(*target)(struct ub_node *link, size_t *length);
    /* The node that a link stands for whatever its name is now. NULL, also as an answer: none. */
    struct ub_node *(*jump)(struct ub_node *link);
    /* Fills in what differs from the node's own fields. NULL: nothing. */
    void (*status)(const struct ub_node *node, struct stat *status);
    void (*statistics)(struct statfs *statistics); /* NULL: those of the archive */
    /* Whoever keeps a node without the lock holds it. NULL: nodes stay for ever. */
    void (*hold)(struct ub_node *node);
    void (*release)(struct ub_node *node);
    /* Changes; 0 or a negated error number. NULL: -EROFS. */
    /* A file, directory or link (to `target`). Without a name (NULL) it is in no directory, and
     * the caller holds it. */
    int (*make)(struct ub_node *directory, const char *name, size_t length, uint32_t mode,
                const char *target, struct ub_node **made);
    int (*link)(struct ub_node *node, struct ub_node *directory, const char *name, size_t length);
    int (*remove)(struct ub_node *node);
    /* Whatever has the name goes. Both are checked to be of this system. */
    int (*rename)(struct ub_node *node, struct ub_node *directory, const char *name, size_t length);
    int (*exchange)(struct ub_node *one, struct ub_node *other);
    int (*change)(struct ub_node *node, const struct ub_change *change);
    int (*allocate)(struct ub_node *node, long mode, uint64_t offset, uint64_t size);
};

/* A node that is there from the start, unless the archive has the name. */
struct ub_builtin_node {
    const char *path; /* "dev/null"; directories on the way are made */
    uint32_t mode;
    uint32_t size; /* as in struct ub_node */
    const void *content;
    const struct ub_file_operations *operations;
    const struct ub_node_operations *system;
};

/* Held from before ub_path_find until its result is no longer used. */
void ub_tree_lock(void);
void ub_tree_unlock(void);

/*
 * With the lock held: the node of an open descriptor, which stays until the lock is let go. NULL
 * with an error number when it is not open (-ELOOP: this was asked too often in one hold of the
 * lock), with 0 when it has none.
 */
struct ub_node *ub_tree_node_of(long descriptor, int *error);

/* The root directory. Mounts the archive the first time. */
struct ub_node *ub_filesystem_root(void);
/* The entry of a directory, or NULL; what is mounted on it rather than itself. */
struct ub_node *ub_node_child(struct ub_node *directory, const char *name, size_t length);
/* The first child by order from `position` on, or NULL. */
struct ub_node *ub_node_next(struct ub_node *directory, int64_t position);
/* Where a link leads, see above. */
const char *ub_node_target(struct ub_node *link, size_t *length);
void ub_node_hold(struct ub_node *node);
void ub_node_release(struct ub_node *node);

/* Whether a lookup that ends at a symbolic link gives the link itself. */
enum ub_follow { UB_FOLLOW, UB_NO_FOLLOW };

/*
 * Finds `path` from the directory that `directory` names (AT_FDCWD, or a descriptor of a
 * directory; not looked at when the path is absolute). Returns 0, -ENOENT, -ENOTDIR, -ELOOP,
 * -ENAMETOOLONG or -EBADF. An empty path is -ENOENT.
 */
int ub_path_find(long directory, const char *path, enum ub_follow follow, struct ub_node **result);

/* The last part of a path, which may not be there yet. Points into the path or a link's target. */
struct ub_path_end {
    struct ub_node *directory;
    const char *name; /* NULL: the path ends in ".", "..", or is the root; then `node` is there */
    size_t length;    /* without a name 1, 2 or 0 */
    bool slash;       /* behind it */
    struct ub_node *node; /* NULL: nothing has the name */
};
/* The same errors. With UB_FOLLOW a link at the end is followed to where it leads, there or not. */
int ub_path_find_end(long directory, const char *path, enum ub_follow follow,
                     struct ub_path_end *end);

/* The path of a node with its NUL. Its length, -ENOENT when it was removed, or -ERANGE. */
long ub_node_path(const struct ub_node *node, char *buffer, size_t size);

/* The node that an open descriptor of this file system stands for, or NULL. */
struct ub_node *ub_file_node(const struct ub_file *file);
/* A mapping of the file has been written to: its times are now. May wait. */
void ub_file_modified(struct ub_file *file);
void ub_node_status(const struct ub_node *node, struct stat *status);

/* The working directory of the program. */
extern struct ub_node *ub_working_directory; /* NULL: the root */

/* An opened node. */
struct ub_open_file {
    struct ub_file file;
    struct ub_node *node;
    struct ub_mutex lock; /* of the position and the text */
    int64_t position;     /* bytes of a file; order of the next entry of a directory */
    void *text; /* from the heap: what was generated for this opening; NULL: nothing yet */
    size_t text_size;
};

/* The members of ub_file_operations that every node has. */
long ub_open_file_status(struct ub_file *file, struct stat *status);
void ub_open_file_close(struct ub_file *file);
/* lseek among `size` bytes, SEEK_DATA and SEEK_HOLE included. */
int64_t ub_open_file_seek(struct ub_open_file *opened, uint64_t size, int64_t offset, int whence);

extern const struct ub_file_operations ub_directory_operations;

/*
 * For images whose program makes files, weak in openat: finds or makes the node to open, which the
 * caller holds then. With the tree's lock.
 */
int ub_open_make(long directory, const char *path, long flags, long mode, struct ub_node **node);

/* Other components, weak here: nodes for /proc and /sys, and the file system to mount. */
extern const struct ub_builtin_node ub_procfs_nodes[];
extern const size_t ub_procfs_node_count;
extern const struct ub_builtin_node ub_tmpfs_nodes[];
extern const size_t ub_tmpfs_node_count;
/* Called once all nodes are there, with the root. */
void ub_tmpfs_mount(struct ub_node *root);
/* The type that statfs tells of a node of /proc or /sys; 0: it is none. With the tree's lock. */
uint32_t ub_procfs_magic(const struct ub_node *node);
#endif
