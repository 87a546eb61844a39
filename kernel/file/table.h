/* Inside kernel/file: the descriptor table. */
#ifndef UNIBUILD_FILE_TABLE_H
#define UNIBUILD_FILE_TABLE_H

#include <unibuild/file.h>
#include <unibuild/lock.h>

#define UB_FILE_MAXIMUM 4096U /* descriptors; a table that full takes 64 KiB */

struct ub_file_slot {
    struct ub_file *file; /* NULL: free */
    unsigned flags;       /* FD_CLOEXEC, recorded only: nothing is ever executed */
};

struct ub_file_table {
    struct ub_lock lock;
    unsigned size;
    struct ub_file_slot *slots;
};

extern struct ub_file_table ub_file_table;

/* The slot of an open descriptor, or NULL. The lock is held. */
struct ub_file_slot *ub_file_slot_locked(long descriptor);
/* Puts the file at the lowest free descriptor that is at least `minimum`. */
int ub_file_install_from(struct ub_file *file, unsigned minimum, unsigned slot_flags);
/* Makes room for `descriptor`; the lock is not held. Returns 0, -EMFILE or -ENOMEM. */
int ub_file_table_grow(unsigned descriptor);

#endif
