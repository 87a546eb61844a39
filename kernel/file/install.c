/* New descriptors. The table that is part of the image holds the console's three; the first file
 * that is opened moves it to the heap. */
#include <stdbool.h>
#include <string.h>

#include <unibuild/memory.h>

#include "table.h"

#define SMALLEST 16U

int ub_file_table_grow(unsigned descriptor)
{
    if (descriptor >= UB_FILE_MAXIMUM) {
        return -EMFILE;
    }
    if (descriptor < __atomic_load_n(&ub_file_table.size, __ATOMIC_ACQUIRE)) {
        return 0; /* it never shrinks */
    }
    unsigned size = SMALLEST;
    while (size <= descriptor) {
        size *= 2;
    }
    struct ub_file_slot *slots = ub_heap_allocate_zeroed(size * sizeof *slots);
    if (slots == NULL) {
        return -ENOMEM;
    }
    unsigned long flags = ub_lock_acquire(&ub_file_table.lock);
    struct ub_file_slot *unused = slots;
    if (ub_file_table.size < size) { /* no other thread was faster */
        bool in_image = ub_file_table.size < SMALLEST;
        memcpy(slots, ub_file_table.slots, ub_file_table.size * sizeof *slots);
        unused = in_image ? NULL : ub_file_table.slots;
        ub_file_table.slots = slots;
        ub_file_table.size = size;
    }
    ub_lock_release(&ub_file_table.lock, flags);
    ub_heap_free(unused);
    return 0;
}

int ub_file_install_from(struct ub_file *file, unsigned minimum, unsigned slot_flags)
{
    for (;;) {
        unsigned long flags = ub_lock_acquire(&ub_file_table.lock);
        unsigned descriptor = minimum;
        while (descriptor < ub_file_table.size && ub_file_table.slots[descriptor].file != NULL) {
            descriptor++;
        }
        if (descriptor < ub_file_table.size) {
            ub_file_table.slots[descriptor] = (struct ub_file_slot){file, slot_flags};
            ub_lock_release(&ub_file_table.lock, flags);
            return (int)descriptor;
        }
        ub_lock_release(&ub_file_table.lock, flags);
        int error = ub_file_table_grow(descriptor);
        if (error != 0) {
            return error;
        }
    }
}

int ub_file_install(struct ub_file *file, unsigned descriptor_flags)
{
    return ub_file_install_from(file, 0, (descriptor_flags & O_CLOEXEC) ? FD_CLOEXEC : 0);
}
