#include <unibuild/scheduler.h>
#include <unibuild/signal.h>

struct ub_signal_action ub_signal_actions[UB_SIGNAL_COUNT + 1];

/* Of the only thread, when there is no scheduler in the image. */
static uint64_t only_mask;
static uint64_t only_pending;

struct ub_signal_state ub_signal_state(void)
{
    struct ub_thread *thread = ub_cpu_current()->thread;
    if (thread == NULL) {
        return (struct ub_signal_state){&only_mask, &only_pending};
    }
    return (struct ub_signal_state){&thread->signal_mask, &thread->signal_pending};
}
