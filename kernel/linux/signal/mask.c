/* rt_sigprocmask and rt_sigpending. */
#include <errno.h>
#include <signal.h>

#include <unibuild/linux_call.h>

#include "signals.h"

UB_LINUX_CALL(rt_sigprocmask)
{
    struct ub_thread *self = ub_thread_current();
    uint64_t before = self->signal_mask;
    uint64_t from = ub_argument(frame, 1);
    uint64_t to = ub_argument(frame, 2);
    uint64_t set;
    if (ub_argument(frame, 3) != sizeof set) {
        return -EINVAL;
    }
    if (from != 0) {
        if (!ub_user_copy_in(&set, from, sizeof set)) {
            return -EFAULT;
        }
        set &= ~UNBLOCKABLE;
        switch ((int)ub_argument(frame, 0)) {
        case SIG_BLOCK:
            set |= before;
            break;
        case SIG_UNBLOCK:
            set = before & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        ub_signal_mask_set(set);
    }
    return to != 0 && !ub_user_copy_out(to, &before, sizeof before) ? -EFAULT : 0;
}

UB_LINUX_CALL(rt_sigpending)
{
    const struct ub_thread *self = ub_thread_current();
    uint64_t size = ub_argument(frame, 1);
    uint64_t set = (self->signal_pending | ub_signal_process_pending) & self->signal_mask;
    if (size > sizeof set) {
        return -EINVAL;
    }
    return ub_user_copy_out(ub_argument(frame, 0), &set, size) ? 0 : -EFAULT;
}
