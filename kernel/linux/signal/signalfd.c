/*
 * signalfd4(2): signals read from a descriptor. The program keeps them blocked, so they wait in
 * their queues; a read takes those of the reading thread and of the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include <unibuild/file.h>
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include "signals.h"

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "as the call has it");

struct signal_file {
    struct ub_file file;
    struct signal_file *next;
    uint64_t set;
};

static struct signal_file *files; /* behind the scheduler lock */

void ub_signal_files_notify_locked(int signal)
{
    for (struct signal_file *file = files; file != NULL; file = file->next) {
        if (file->set & BIT(signal)) {
            ub_wake_all_locked(&file->file.changes);
        }
    }
}

/* What Linux tells of each sort: timers theirs, faults an address, the rest who sent it. */
static struct signalfd_siginfo record_of(const struct signal_information *information)
{
    struct signalfd_siginfo record = {
        .ssi_signo = (uint32_t)information->signal,
        .ssi_errno = information->error,
        .ssi_code = information->code,
    };
    if (information->code == SI_TIMER) {
        record.ssi_tid = (uint32_t)information->process;
        record.ssi_overrun = information->user;
    } else {
        record.ssi_pid = (uint32_t)information->process;
        record.ssi_uid = information->user;
    }
    if (information->code < 0 && information->code != SI_TKILL) {
        record.ssi_ptr = information->value;
        record.ssi_int = (int32_t)information->value;
    }
    return record;
}

/* Waits for the first one only. */
static long take(struct signal_file *file, bool wait, struct signal_information *information)
{
    struct ub_signal_entry *taken = NULL;
    long result = 0;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    for (;;) {
        result = ub_signal_take_locked(ub_thread_current(), file->set, information, &taken);
        if (result != 0) {
            break;
        }
        result = !wait ? -EAGAIN : ub_thread_interrupted() ? -EINTR : 0;
        if (result != 0) {
            break;
        }
        (void)ub_wait_locked(&file->file.changes, UB_CLOCK_NEVER);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_signal_entry_free(taken);
    return result;
}

static long read_signals(struct ub_file *base, void *buffer, size_t size)
{
    struct signal_file *file = (struct signal_file *)base;
    struct signalfd_siginfo *records = buffer;
    size_t room = size / sizeof *records;
    size_t count = 0;
    long result = -EINVAL;
    while (count < room) {
        struct signal_information information;
        result = take(file, count == 0 && !(base->flags & O_NONBLOCK), &information);
        if (result <= 0) {
            break;
        }
        records[count++] = record_of(&information);
    }
    return count != 0 ? (long)(count * sizeof *records) : result;
}

static unsigned poll_signals(struct ub_file *base)
{
    const struct signal_file *file = (const struct signal_file *)base;
    uint64_t pending = ub_thread_current()->signal_pending | ub_signal_process_pending;
    return (pending & file->set) != 0 ? POLLIN | POLLRDNORM : 0;
}

static void close_signals(struct ub_file *base)
{
    struct signal_file *file = (struct signal_file *)base;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct signal_file **at = &files;
    while (*at != file) {
        at = &(*at)->next;
    }
    *at = file->next;
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_heap_free(file);
}

static const struct ub_file_operations operations = {
    .read = read_signals,
    .poll = poll_signals,
    .close = close_signals,
};

static long create(uint64_t set, long options)
{
    struct signal_file *file = ub_heap_allocate_zeroed(sizeof *file);
    if (file == NULL) {
        return -ENOMEM;
    }
    file->file.operations = &operations;
    file->file.flags = O_RDWR | ((unsigned)options & O_NONBLOCK);
    file->file.references = 1;
    file->set = set;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    file->next = files;
    files = file;
    ub_lock_release(&ub_scheduler_lock, flags);
    int descriptor = ub_file_install(&file->file, (unsigned)options & O_CLOEXEC);
    if (descriptor < 0) {
        ub_file_put(&file->file);
    }
    return descriptor;
}

static long change(long descriptor, uint64_t set)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    if (file->operations != &operations) {
        ub_file_put(file);
        return -EINVAL;
    }
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ((struct signal_file *)file)->set = set;
    ub_wake_all_locked(&file->changes);
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_file_put(file);
    return descriptor;
}

static long signal_file(const struct ub_exception_frame *frame, long options)
{
    long descriptor = (int)ub_argument(frame, 0);
    uint64_t set;
    if ((options & ~(long)(SFD_CLOEXEC | SFD_NONBLOCK)) != 0 ||
        ub_argument(frame, 2) != sizeof set) {
        return -EINVAL;
    }
    if (!ub_user_copy_in(&set, ub_argument(frame, 1), sizeof set)) {
        return -EFAULT;
    }
    set &= ~UNBLOCKABLE;
    return descriptor == -1 ? create(set, options) : change(descriptor, set);
}

UB_LINUX_CALL(signalfd4)
{
    return signal_file(frame, (int)ub_argument(frame, 3));
}

UB_LINUX_CALL(signalfd)
{
    return signal_file(frame, 0);
}
