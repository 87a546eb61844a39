/* tkill, tgkill, kill: mostly a thread's signal to itself. */
#include <errno.h>
#include <signal.h>

#include <unibuild/process.h>
#include <unibuild/scheduler.h>
#include <unibuild/signal.h>

#pragma weak ub_threads
#pragma weak ub_scheduler_lock

static long own_id(void)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    return thread != NULL ? thread->id : 1;
}

static bool thread_exists(long id)
{
    bool found = false;
    if (ub_cpu_current()->thread == NULL) {
        return false;
    }
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    for (const struct ub_thread *thread = ub_threads; thread != NULL; thread = thread->next) {
        found = found || (thread->program && thread->id == id);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    return found;
}

static long send_here(long signal)
{
    *ub_signal_state().pending |= 1ULL << (signal - 1);
    ub_signal_deliver();
    return 0;
}

static long send_elsewhere(long id, long signal)
{
    if (!thread_exists(id)) {
        return -ESRCH;
    }
    if (signal == 0) {
        return 0;
    }
    void (*handler)(int) = ub_signal_actions[signal].handler;
    if (handler != SIG_DFL && handler != SIG_IGN) {
        return -ENOSYS;
    }
    return send_here(signal); /* the default action concerns the whole program */
}

long ub_sys_tkill(long id, long signal)
{
    if (signal < 0 || signal > UB_SIGNAL_COUNT) {
        return -EINVAL;
    }
    if (id != own_id()) {
        return send_elsewhere(id, signal);
    }
    return signal == 0 ? 0 : send_here(signal);
}

long ub_sys_tgkill(long process, long id, long signal)
{
    return process == UB_PROCESS_ID ? ub_sys_tkill(id, signal) : -ESRCH;
}

/* 0 and -1 mean everybody, -1 (the group) the same: the program. */
long ub_sys_kill(long process, long signal)
{
    if (process > UB_PROCESS_ID || process < -UB_PROCESS_ID) {
        return -ESRCH;
    }
    return ub_sys_tkill(own_id(), signal);
}
