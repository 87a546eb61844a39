/* A new thread of the program: what clone and clone3 have in common. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <unibuild/context.h>
#include <unibuild/linux_call.h>
#include <unibuild/scheduler.h>
#include <unibuild/user.h>

#include "count.h"
#include "threads.h"

/* What every thread must share, and what may be asked for beside it. */
#define REQUIRED (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define OPTIONAL                                                                                   \
    (CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_IO | CLONE_SETTLS | CLONE_PARENT_SETTID |      \
     CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED)

/* Mutexes with an owner need the kernel as soon as there is somebody to wait for: futex(2) itself,
 * which every program has, refers to them weakly. */
long ub_linux_futex_lock(uint64_t address, const void *until, bool realtime, bool once);
static long (*const bring_owners_in)(uint64_t, const void *, bool, bool)
    __attribute__((used)) = ub_linux_futex_lock;

long ub_linux_clone_thread(const struct ub_exception_frame *frame,
                           const struct clone_request *request)
{
    uint64_t flags = request->flags;
    if ((flags & CLONE_THREAD) == 0) {
        return ub_call_missing(frame); /* a process: there is only the one */
    }
    if ((flags & REQUIRED) != REQUIRED || (flags & ~(uint64_t)(REQUIRED | OPTIONAL)) != 0 ||
        request->stack_pointer >= UB_USER_END) {
        return -EINVAL;
    }
    if ((flags & CLONE_SETTLS) && request->thread_pointer >= UB_USER_END) {
        return -EPERM;
    }
    if (!ub_reaper_ensure()) {
        return -EAGAIN;
    }
    struct ub_thread *child = ub_user_thread_create(
        request->stack_pointer,
        (flags & CLONE_SETTLS) ? request->thread_pointer : ub_thread_pointer_get());
    if (child == NULL) {
        return -EAGAIN;
    }
    child->leave = true; /* a signal to the process may be waiting */
    child->signal_mask = ub_thread_current()->signal_mask;
    memcpy(child->linux.name, ub_thread_current()->linux.name, sizeof child->linux.name);
    child->linux.clear_tid = (flags & CLONE_CHILD_CLEARTID) ? request->child_tid : 0;
    int id = ub_thread_enlist(child);
    uint32_t word = (uint32_t)id;
    /* The ids are in place before either thread can look; a bad address is the program's loss, as
     * on Linux. */
    if (flags & CLONE_PARENT_SETTID) {
        (void)ub_user_copy_out(request->parent_tid, &word, sizeof word);
    }
    if (flags & CLONE_CHILD_SETTID) {
        (void)ub_user_copy_out(request->child_tid, &word, sizeof word);
    }
    __atomic_add_fetch(&ub_linux_threads, 1, __ATOMIC_SEQ_CST);
    ub_thread_start(child);
    return id;
}
