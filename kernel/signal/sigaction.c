#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include <unibuild/signal.h>

long ub_sys_rt_sigaction(long signal, const struct ub_signal_action *action,
                         struct ub_signal_action *previous, unsigned long mask_size)
{
    if (signal < 1 || signal > UB_SIGNAL_COUNT || mask_size != sizeof(uint64_t) ||
        (action != NULL && (signal == SIGKILL || signal == SIGSTOP))) {
        return -EINVAL;
    }
    struct ub_signal_action before = ub_signal_actions[signal];
    if (action != NULL) {
        ub_signal_actions[signal] = *action;
    }
    if (previous != NULL) {
        *previous = before;
    }
    return 0;
}
