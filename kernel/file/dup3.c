/* dup3: the file takes the place of whatever the target descriptor was. */
#include "table.h"

static long replace(struct ub_file *file, unsigned target, unsigned slot_flags)
{
    int error = ub_file_table_grow(target);
    if (error != 0) {
        return error == -EMFILE ? -EBADF : error;
    }
    unsigned long flags = ub_lock_acquire(&ub_file_table.lock);
    struct ub_file *before = ub_file_table.slots[target].file;
    ub_file_table.slots[target] = (struct ub_file_slot){file, slot_flags};
    ub_lock_release(&ub_file_table.lock, flags);
    if (before != NULL) {
        ub_file_put(before);
    }
    return (long)target;
}

long ub_sys_dup3(long descriptor, long target, long flags)
{
    if ((flags & ~(long)O_CLOEXEC) != 0 || (int)descriptor == (int)target) {
        return -EINVAL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = (int)target < 0
                      ? -EBADF
                      : replace(file, (unsigned)target, (flags & O_CLOEXEC) ? FD_CLOEXEC : 0);
    if (result < 0) {
        ub_file_put(file);
    }
    return result;
}
