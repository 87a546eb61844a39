/* fcntl(2): duplicates and flags. There is one process, so record locks are accepted and free. */
#include "table.h"

#define CHANGEABLE ((unsigned)(O_APPEND | O_NONBLOCK))

static long slot_flags(long descriptor, bool set, unsigned value)
{
    long result = -EBADF;
    unsigned long flags = ub_lock_acquire(&ub_file_table.lock);
    struct ub_file_slot *slot = ub_file_slot_locked((int)descriptor);
    if (slot != NULL) {
        result = set ? 0 : (long)slot->flags;
        if (set) {
            slot->flags = value & FD_CLOEXEC;
        }
    }
    ub_lock_release(&ub_file_table.lock, flags);
    return result;
}

static long duplicate(struct ub_file *file, unsigned long minimum, unsigned flags)
{
    if (minimum >= UB_FILE_MAXIMUM) {
        return -EINVAL;
    }
    ub_file_hold(file);
    long result = ub_file_install_from(file, (unsigned)minimum, flags);
    if (result < 0) {
        ub_file_put(file);
    }
    return result;
}

static long file_command(struct ub_file *file, long command, unsigned long argument)
{
    switch (command) {
    case F_DUPFD:
        return duplicate(file, argument, 0);
    case F_DUPFD_CLOEXEC:
        return duplicate(file, argument, FD_CLOEXEC);
    case F_GETFL:
        return (long)file->flags;
    case F_SETFL:
        file->flags = (file->flags & ~CHANGEABLE) | ((unsigned)argument & CHANGEABLE);
        return 0;
    case F_SETLK:
    case F_SETLKW:
        return 0;
    case F_GETLK:
        ((struct flock *)argument)->l_type = F_UNLCK;
        return 0;
    default:
        return -EINVAL;
    }
}

long ub_sys_fcntl(long descriptor, long command, unsigned long argument)
{
    if (command == F_GETFD || command == F_SETFD) {
        return slot_flags(descriptor, command == F_SETFD, (unsigned)argument);
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = file_command(file, command, argument);
    ub_file_put(file);
    return result;
}
