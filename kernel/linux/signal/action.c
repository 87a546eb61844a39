/* rt_sigaction(2). */
#include <errno.h>
#include <signal.h>

#include <unibuild/linux_call.h>

#include "signals.h"

/* What sigaction keeps of the flags: those that x86-64 knows. */
#define KNOWN_FLAGS                                                                                \
    ((uint64_t)(uint32_t)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |     \
                          SA_NODEFER | SA_RESETHAND) |                                             \
     0x04000000UL /* SA_RESTORER */ | 0x00000800UL /* SA_EXPOSE_TAGBITS */)

static struct signal_action exchange(int signal, const struct signal_action *action)
{
    struct ub_signal_entry *forgotten = NULL;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct signal_action before = ub_linux_signal_actions[signal];
    if (action != NULL) {
        ub_linux_signal_actions[signal] = *action;
        ub_linux_signal_actions[signal].flags &= KNOWN_FLAGS;
        ub_linux_signal_actions[signal].mask &= ~UNBLOCKABLE;
        if (ub_signal_ignored(signal)) {
            forgotten = ub_signal_forget_locked(signal);
        }
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_signal_entries_free(forgotten);
    return before;
}

UB_LINUX_CALL(rt_sigaction)
{
    int signal = (int)ub_argument(frame, 0);
    uint64_t set = ub_argument(frame, 1);
    uint64_t previous = ub_argument(frame, 2);
    struct signal_action action;
    if (ub_argument(frame, 3) != sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (set != 0 && !ub_user_copy_in(&action, set, sizeof action)) {
        return -EFAULT;
    }
    if (signal < 1 || signal > SIGNALS || (set != 0 && (UNBLOCKABLE & BIT(signal)) != 0)) {
        return -EINVAL;
    }
    struct signal_action before = exchange(signal, set != 0 ? &action : NULL);
    return previous != 0 && !ub_user_copy_out(previous, &before, sizeof before) ? -EFAULT : 0;
}
