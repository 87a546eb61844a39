/*
 * On the way back to ring 3: the signals that wait for the thread. Each with a handler puts a frame
 * on the program's stack, so that the last one runs first, as on Linux; then the system call that
 * was cut short is begun again, or answers -EINTR.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include <unibuild/linux_signal.h>
#include <unibuild/user.h>

#include "signals.h"

/* Stopping has no meaning where nobody could continue. */
const uint64_t ub_linux_signals_harmless = BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) |
                                           BIT(SIGCONT) | BIT(SIGSTOP) | BIT(SIGTSTP) |
                                           BIT(SIGTTIN) | BIT(SIGTTOU);

#define SYSCALL_BYTES 2
/* In a call's frame, above its number: see ub_signal_no_restart. */
#define ONCE (1UL << 32)

enum restart {
    RESTART_WHATEVER,   /* even without SA_RESTART: LOCK_PI */
    RESTART_ALWAYS,     /* with SA_RESTART, or when no handler ran */
    RESTART_NO_HANDLER, /* only when no handler ran */
    RESTART_NEVER,      /* its time has partly gone */
};

/* After signal(7), and by number as linux/syscall_64.tbl has them. */
static enum restart restart_of(const struct ub_exception_frame *frame)
{
    if (frame->error & ONCE) {
        return RESTART_NEVER;
    }
    switch (frame->error) {
    case 34:  /* pause */
    case 130: /* rt_sigsuspend */
        return RESTART_NO_HANDLER;
    case 7:   /* poll */
    case 23:  /* select */
    case 35:  /* nanosleep */
    case 128: /* rt_sigtimedwait */
    case 230: /* clock_nanosleep */
    case 232: /* epoll_wait */
    case 270: /* pselect6 */
    case 271: /* ppoll */
    case 281: /* epoll_pwait */
    case 441: /* epoll_pwait2 */
        return RESTART_NEVER;
    case 202: /* futex: LOCK_PI and LOCK_PI2; a wait with a time, or without */
        if ((frame->rsi & 127) == 6 || (frame->rsi & 127) == 13) {
            return RESTART_WHATEVER;
        }
        return frame->r10 != 0 ? RESTART_NEVER : RESTART_ALWAYS;
    default:
        return RESTART_ALWAYS;
    }
}

static bool interrupted(const struct ub_exception_frame *frame)
{
    return frame->vector == UB_VECTOR_CALL && (long)frame->rax == -EINTR;
}

/* Goes back to the instruction and the number that it had. */
static void restart(struct ub_exception_frame *frame, enum restart least)
{
    if (interrupted(frame) && restart_of(frame) <= least) {
        frame->rax = frame->error;
        frame->instruction_pointer -= SYSCALL_BYTES;
    }
}

/* The next signal that the thread does not block, with its action. */
static int next(struct ub_thread *self, struct signal_action *action,
                struct signal_information *information)
{
    struct ub_signal_entry *taken;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    self->leave = false;
    int signal = ub_signal_take_locked(self, ~self->signal_mask, information, &taken);
    if (signal != 0) {
        struct signal_action *slot = &ub_linux_signal_actions[signal];
        *action = *slot;
        if ((slot->flags & SA_RESETHAND) && slot->handler > (uint64_t)SIG_IGN) {
            slot->handler = (uint64_t)SIG_DFL;
        }
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (signal != 0) {
        ub_signal_entry_free(taken);
    }
    return signal;
}

void ub_signal_handle(struct ub_exception_frame *frame, const struct signal_action *action,
                      const struct signal_information *information)
{
    struct ub_thread *self = ub_thread_current();
    uint64_t before = self->linux.mask_saved ? self->linux.saved_mask : self->signal_mask;
    if (!ub_signal_frame_push(frame, action, information, before)) {
        if (information->signal == SIGSEGV) {
            ub_user_end(frame, SIGSEGV, self->linux.fault_address);
        }
        const struct signal_information bad_stack = {.signal = SIGSEGV, .code = SI_KERNEL};
        ub_signal_force(frame, &bad_stack);
        return;
    }
    self->linux.mask_saved = false;
    ub_signal_mask_set(self->signal_mask | action->mask |
                       ((action->flags & SA_NODEFER) ? 0 : BIT(information->signal)));
}

/* What other components send or set is here, with what serves it: they refer to it weakly, which
 * brings no object. */

void ub_signal_broken_pipe(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    (void)ub_signal_post_locked(ub_thread_current(), SIGPIPE, NULL);
    ub_lock_release(&ub_scheduler_lock, flags);
}

void ub_signal_no_restart(void)
{
    ub_user_frame()->error |= ONCE;
}

void ub_signal_wait_mask(uint64_t mask)
{
    struct ub_thread *self = ub_thread_current();
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    self->linux.saved_mask = self->signal_mask;
    self->linux.mask_saved = true;
    ub_signal_mask_locked(self, mask);
    self->leave = true; /* at the latest then the former mask is back */
    ub_lock_release(&ub_scheduler_lock, flags);
}

static void restore_mask(struct ub_thread *self)
{
    if (self->linux.mask_saved) {
        self->linux.mask_saved = false;
        ub_signal_mask_set(self->linux.saved_mask);
    }
}

void ub_user_leave(struct ub_exception_frame *frame)
{
    struct ub_thread *self = ub_thread_current();
    struct signal_action action;
    struct signal_information information;
    bool handled = false;
    int signal;
    if (!interrupted(frame)) {
        restore_mask(self);
    }
    while ((signal = next(self, &action, &information)) != 0) {
        if (action.handler == (uint64_t)SIG_IGN ||
            (action.handler == (uint64_t)SIG_DFL &&
             (ub_linux_signals_harmless & BIT(signal)) != 0)) {
            continue;
        }
        if (action.handler == (uint64_t)SIG_DFL) {
            ub_user_end(frame, signal, 0);
        }
        if (!handled) {
            restart(frame, (action.flags & SA_RESTART) ? RESTART_ALWAYS : RESTART_WHATEVER);
        }
        handled = true;
        ub_signal_handle(frame, &action, &information);
        frame->vector = VECTOR_NONE; /* what goes on is the handler, no longer the call */
    }
    if (!handled) {
        restart(frame, RESTART_NO_HANDLER);
        restore_mask(self);
    }
}
