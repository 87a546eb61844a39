/* kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo; and what the kernel sends by itself. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include <unibuild/linux_call.h>
#include <unibuild/linux_signal.h>
#include <unibuild/process.h>

#include "signals.h"

/* Entries of the heap at a time; a program that queues more gets -EAGAIN or loses what came along.
 */
#define QUEUE_LIMIT 4096

static bool known(int signal)
{
    return signal >= 0 && signal <= SIGNALS;
}

/* To the thread with that id, or to the process when it is 0. With signal 0: whether there is one.
 */
static long post(int id, int signal, const struct signal_information *information, bool must_queue)
{
    struct ub_signal_entry *entry = signal != 0 ? ub_signal_entry_create(information) : NULL;
    if (signal != 0 && entry == NULL && must_queue) {
        return -EAGAIN;
    }
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct ub_thread *thread = id != 0 ? ub_thread_find_locked(id) : NULL;
    bool found = id == 0 || (thread != NULL && thread->program);
    if (found && signal != 0) {
        entry = ub_signal_post_locked(thread, signal, entry);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_signal_entry_free(entry);
    return found ? 0 : -ESRCH;
}

static long send(int id, int signal, int code)
{
    const struct signal_information information = {
        .signal = signal, .code = code, .process = UB_PROCESS_ID};
    return post(id, signal, &information, false);
}

UB_LINUX_CALL(kill)
{
    int process = (int)ub_argument(frame, 0);
    int signal = (int)ub_argument(frame, 1);
    if (!known(signal)) {
        return -EINVAL;
    }
    /* 0 and -1 mean everybody and -1 is the group too: the program. */
    if (process > UB_PROCESS_ID || process < -UB_PROCESS_ID) {
        return -ESRCH;
    }
    return send(0, signal, SI_USER);
}

UB_LINUX_CALL(tkill)
{
    int id = (int)ub_argument(frame, 0);
    int signal = (int)ub_argument(frame, 1);
    return id <= 0 || !known(signal) ? -EINVAL : send(id, signal, SI_TKILL);
}

UB_LINUX_CALL(tgkill)
{
    int process = (int)ub_argument(frame, 0);
    int id = (int)ub_argument(frame, 1);
    int signal = (int)ub_argument(frame, 2);
    if (process <= 0 || id <= 0 || !known(signal)) {
        return -EINVAL;
    }
    return process == UB_PROCESS_ID ? send(id, signal, SI_TKILL) : -ESRCH;
}

static long queue(int process, int id, int signal, uint64_t address)
{
    struct signal_information information;
    if (!ub_user_copy_in(&information, address, sizeof information)) {
        return -EFAULT;
    }
    if (!known(signal)) {
        return -EINVAL;
    }
    if (process != UB_PROCESS_ID) {
        return -ESRCH;
    }
    information.signal = signal;
    return post(id, signal, &information, signal >= FIRST_REALTIME);
}

UB_LINUX_CALL(rt_sigqueueinfo)
{
    return queue((int)ub_argument(frame, 0), 0, (int)ub_argument(frame, 1), ub_argument(frame, 2));
}

UB_LINUX_CALL(rt_tgsigqueueinfo)
{
    int id = (int)ub_argument(frame, 1);
    if (id <= 0) {
        return -EINVAL;
    }
    return queue((int)ub_argument(frame, 0), id, (int)ub_argument(frame, 2), ub_argument(frame, 3));
}
