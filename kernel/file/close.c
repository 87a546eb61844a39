#include "table.h"

long ub_sys_close(long descriptor)
{
    struct ub_file *file = NULL;
    unsigned long flags = ub_lock_acquire(&ub_file_table.lock);
    struct ub_file_slot *slot = ub_file_slot_locked((int)descriptor);
    if (slot != NULL) {
        file = slot->file;
        slot->file = NULL;
    }
    ub_lock_release(&ub_file_table.lock, flags);
    if (file == NULL) {
        return -EBADF;
    }
    ub_file_put(file);
    return 0;
}
