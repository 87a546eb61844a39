/*
 * Robust mutexes: a thread leaves with the kernel the list of those that it holds, and its end
 * gives them to the next who waits, with a mark that their owner has died. The format is Linux's,
 * documented in its robust-futex-ABI.
 */
#include <unibuild/cpu.h>
#include <unibuild/futex.h>
#include <unibuild/linux_call.h>
#include <unibuild/scheduler.h>

#include "threads.h"

struct head {
    uint64_t first;
    int64_t offset;   /* from an entry to its futex word */
    uint64_t pending; /* being locked or unlocked: in the list or not */
};

#define OWNER_MASK 0x3fffffffU
#define OWNER_DIED 0x40000000U
#define WAITERS 0x80000000U
/* The program may make the list a circle that we never leave. */
#define LIST_LIMIT 2048
/* The lowest bit of an entry says that its mutex has priority inheritance. */
#define ENTRY(pointer) ((pointer) & ~1UL)

#pragma weak ub_scheduler_lock
#pragma weak ub_thread_find_locked
#pragma weak ub_futex_wake

static void orphan(uint64_t word, bool pending, uint32_t owner)
{
    uint32_t value, after;
    if (!ub_user_load32(word, &value)) {
        return;
    }
    if (pending && value == 0) {
        /* It died between its unlock and its wake. */
        (void)ub_futex_wake((const void *)word, 1, UB_FUTEX_ANY);
        return;
    }
    uint32_t seen = value;
    do {
        value = seen;
        if ((value & OWNER_MASK) != owner) {
            return;
        }
        after = (value & WAITERS) | OWNER_DIED;
        if (!ub_user_exchange32(word, &seen, after)) {
            return;
        }
    } while (seen != value);
    if (value & WAITERS) {
        (void)ub_futex_wake((const void *)word, 1, UB_FUTEX_ANY);
    }
}

void ub_linux_robust_end(void)
{
    const struct ub_thread *self = ub_cpu_current()->thread;
    uint64_t list = self->linux.robust_list;
    struct head head;
    if (list == 0 || !ub_user_copy_in(&head, list, sizeof head)) {
        return;
    }
    uint64_t entry = head.first;
    for (unsigned count = 0; ENTRY(entry) != list && count < LIST_LIMIT; count++) {
        uint64_t next;
        bool more = ub_user_copy_in(&next, ENTRY(entry), sizeof next);
        if (ENTRY(entry) != ENTRY(head.pending)) {
            orphan(ENTRY(entry) + (uint64_t)head.offset, false, (uint32_t)self->id);
        }
        if (!more) {
            return;
        }
        entry = next;
    }
    if (head.pending != 0) {
        orphan(ENTRY(head.pending) + (uint64_t)head.offset, true, (uint32_t)self->id);
    }
}

UB_LINUX_CALL(set_robust_list)
{
    struct ub_thread *self = ub_cpu_current()->thread;
    if (ub_argument(frame, 1) != sizeof(struct head)) {
        return -EINVAL;
    }
    if (self != NULL) {
        self->linux.robust_list = ub_argument(frame, 0);
    }
    return 0;
}

UB_LINUX_CALL(get_robust_list)
{
    struct ub_thread *self = ub_cpu_current()->thread;
    long id = (int)ub_argument(frame, 0);
    uint64_t list = 0;
    uint64_t size = sizeof(struct head);
    if (self == NULL) {
        if (id != 0 && id != 1) {
            return -ESRCH;
        }
    } else {
        unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
        const struct ub_thread *thread = id == 0 ? self : ub_thread_find_locked((int)id);
        bool found = thread != NULL && thread->program;
        list = found ? thread->linux.robust_list : 0;
        ub_lock_release(&ub_scheduler_lock, flags);
        if (!found) {
            return -ESRCH;
        }
    }
    if (!ub_user_copy_out(ub_argument(frame, 2), &size, sizeof size) ||
        !ub_user_copy_out(ub_argument(frame, 1), &list, sizeof list)) {
        return -EFAULT;
    }
    return 0;
}
