/* Unlike the rest, reached by every program with threads or abort; delivery comes along only when
 * something can send. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include <unibuild/signal.h>

#pragma weak ub_signal_deliver

#define UNBLOCKABLE ((1ULL << (SIGKILL - 1)) | (1ULL << (SIGSTOP - 1)))

long ub_sys_rt_sigprocmask(long how, const uint64_t *set, uint64_t *previous,
                           unsigned long mask_size)
{
    struct ub_signal_state state = ub_signal_state();
    uint64_t before = *state.mask;
    if (mask_size != sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (set != NULL) {
        uint64_t mask = how == SIG_BLOCK     ? before | *set
                        : how == SIG_UNBLOCK ? before & ~*set
                                             : *set;
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
            return -EINVAL;
        }
        *state.mask = mask & ~UNBLOCKABLE;
    }
    if (previous != NULL) {
        *previous = before;
    }
    if (*state.pending != 0) {
        ub_signal_deliver(); /* something was sent, so it is there */
    }
    return 0;
}

long ub_sys_rt_sigpending(uint64_t *set, unsigned long size)
{
    if (size != sizeof(uint64_t)) {
        return -EINVAL;
    }
    *set = *ub_signal_state().pending;
    return 0;
}
