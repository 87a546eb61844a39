/* tkill, tgkill, kill: mostly a thread's signal to itself. */
#include <errno.h>
#include <signal.h>

#include <unibuild/process.h>
#include <unibuild/scheduler.h>
#include <unibuild/signal.h>

#pragma weak ub_threads
#pragma weak ub_scheduler_lock
#pragma weak ub_thread_interrupt_locked

static long own_id(void)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    return thread != NULL ? thread->id : 1;
}

static long send_here(long signal)
{
    (void)__atomic_fetch_or(ub_signal_state().pending, 1ULL << (signal - 1), __ATOMIC_ACQ_REL);
    ub_signal_deliver();
    return 0;
}

static struct ub_thread *find_locked(long id)
{
    struct ub_thread *thread = ub_threads;
    while (thread != NULL && !(thread->program && thread->id == id)) {
        thread = thread->next;
    }
    return thread;
}

/* Leaves the signal with the thread and wakes it from where it waits. */
static long leave(long id, uint64_t bit)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct ub_thread *thread = find_locked(id);
    if (thread != NULL && bit != 0) {
        (void)__atomic_fetch_or(&thread->signal_pending, bit, __ATOMIC_ACQ_REL);
        ub_thread_interrupt_locked(thread); /* also when blocked: it may be in sigwait */
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    return thread != NULL ? 0 : -ESRCH;
}

static long send_elsewhere(long id, long signal)
{
    if (ub_cpu_current()->thread == NULL) {
        return -ESRCH;
    }
    if (signal == 0) {
        return leave(id, 0);
    }
    void (*handler)(int) = ub_signal_actions[signal].handler;
    long error = leave(id, handler == SIG_DFL || handler == SIG_IGN ? 0 : 1ULL << (signal - 1));
    if (error == 0 && handler == SIG_DFL) {
        return send_here(signal); /* the default action concerns the whole program */
    }
    return error;
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
