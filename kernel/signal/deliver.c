/* What a signal does once it is not blocked: nothing, a handler, or the image's end. */
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include <unibuild/image.h>
#include <unibuild/panic.h>
#include <unibuild/process.h>
#include <unibuild/signal.h>

#define BIT(signal) (1ULL << ((signal) - 1))

/* Default actions other than the end; stopping has no meaning where nobody could continue. */
#define HARMLESS                                                                                   \
    (BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT) | BIT(SIGSTOP) | BIT(SIGTSTP) |     \
     BIT(SIGTTIN) | BIT(SIGTTOU))

static _Noreturn void end_image(int signal)
{
    ub_print("\n\x1e[unibuild] fault signal %d\n", signal);
    ub_backtrace(__builtin_frame_address(0));
    ub_image_exit(128 + signal);
}

static void call_handler(int signal)
{
    struct ub_signal_action *slot = &ub_signal_actions[signal];
    struct ub_signal_action action = *slot;
    uint64_t *mask = ub_signal_state().mask;
    uint64_t after = *mask;
    *mask |= action.mask | ((action.flags & SA_NODEFER) ? 0 : BIT(signal));
    if (action.flags & SA_RESETHAND) {
        slot->handler = SIG_DFL;
    }
    if (action.flags & SA_SIGINFO) {
        siginfo_t information = {.si_signo = signal, .si_code = SI_TKILL};
        ucontext_t context;
        memset(&context, 0, sizeof context);
        memcpy(&context.uc_sigmask, &after, sizeof after);
        information.si_pid = UB_PROCESS_ID;
        ((void (*)(int, siginfo_t *, void *))(void (*)(void))action.handler)(signal, &information,
                                                                             &context);
        memcpy(&after, &context.uc_sigmask, sizeof after); /* the handler may change it */
    } else {
        action.handler(signal);
    }
    *mask = after;
}

void ub_signal_deliver(void)
{
    struct ub_signal_state state = ub_signal_state();
    uint64_t due;
    while ((due = __atomic_load_n(state.pending, __ATOMIC_ACQUIRE) & ~*state.mask) != 0) {
        int signal = __builtin_ctzll(due) + 1;
        void (*handler)(int) = ub_signal_actions[signal].handler;
        (void)__atomic_fetch_and(state.pending, ~BIT(signal), __ATOMIC_ACQ_REL);
        if (handler == SIG_IGN || (handler == SIG_DFL && (HARMLESS & BIT(signal)) != 0)) {
            continue;
        }
        if (handler == SIG_DFL) {
            end_image(signal);
        }
        call_handler(signal);
    }
}
