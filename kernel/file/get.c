/* From descriptors to files, and the counting of references. */
#include "table.h"

/* kernel/poll has it, if epoll is in the image. */
#pragma weak ub_epoll_forget
void ub_epoll_forget(struct ub_file *file);

struct ub_file_slot *ub_file_slot_locked(long descriptor)
{
    if (descriptor < 0 || descriptor >= (long)ub_file_table.size ||
        ub_file_table.slots[descriptor].file == NULL) {
        return NULL;
    }
    return &ub_file_table.slots[descriptor];
}

struct ub_file *ub_file_get(long descriptor)
{
    unsigned long flags = ub_lock_acquire(&ub_file_table.lock);
    struct ub_file_slot *slot = ub_file_slot_locked((int)descriptor);
    struct ub_file *file = slot != NULL ? slot->file : NULL;
    if (file != NULL) {
        ub_file_hold(file);
    }
    ub_lock_release(&ub_file_table.lock, flags);
    return file;
}

unsigned ub_file_descriptors_end(void)
{
    return __atomic_load_n(&ub_file_table.size, __ATOMIC_ACQUIRE);
}

void ub_file_hold(struct ub_file *file)
{
    (void)__atomic_add_fetch(&file->references, 1, __ATOMIC_RELAXED);
}

void ub_file_put(struct ub_file *file)
{
    if (__atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    if (file->changes.first != NULL) {
        ub_epoll_forget(file); /* whoever else waits holds a reference */
    }
    if (file->operations->close != NULL) {
        file->operations->close(file);
    }
}
