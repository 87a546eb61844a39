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
    uint64_t before = *mask;
    *mask |= action.mask | ((action.flags & SA_NODEFER) ? 0 : BIT(signal));
    if (action.flags & SA_RESETHAND) {
        slot->handler = SIG_DFL;
    }
    if (action.flags & SA_SIGINFO) {
        siginfo_t information = {.si_signo = signal, .si_code = SI_TKILL};
        ucontext_t context;
        memset(&context, 0, sizeof context);
        information.si_pid = UB_PROCESS_ID;
        ((void (*)(int, siginfo_t *, void *))(void (*)(void))action.handler)(signal, &information,
                                                                             &context);
    } else {
        action.handler(signal);
    }
    *mask = before;
}

void ub_signal_deliver(void)
{
    struct ub_signal_state state = ub_signal_state();
    uint64_t due;
    while ((due = *state.pending & ~*state.mask) != 0) {
        int signal = __builtin_ctzll(due) + 1;
        void (*handler)(int) = ub_signal_actions[signal].handler;
        *state.pending &= ~BIT(signal);
        if (handler == SIG_IGN || (handler == SIG_DFL && (HARMLESS & BIT(signal)) != 0)) {
            continue;
        }
        if (handler == SIG_DFL) {
            end_image(signal);
        }
        call_handler(signal);
    }
}
