/*
 * Signals, as far as a program that is alone can have them.
 *
 * - rt_sigaction, rt_sigprocmask, rt_sigpending and sigaltstack work on recorded state. Masks are a
 *   thread's own; actions are the program's.
 * - A signal that a thread sends itself (raise, abort, kill of the own process) takes effect before
 *   the call returns, or when the thread unblocks it: its handler is called as a function on the
 *   thread's own stack (never on an alternate one), or the default action is taken.
 * - Where the default is to end the program, the image ends with a report on the console and the
 *   status 128 + number of the signal, as a shell tells it.
 * - setitimer(ITIMER_REAL) and alarm send SIGALRM to the main thread, served in the same way.
 * Nothing else sends signals: no SIGPIPE, no SIGCHLD. A processor fault ends the image with the
 * fault report, whatever handler is set.
 * - A signal with a handler to another thread (pthread_kill, pthread_cancel) is served when that
 *   thread next waits: a wait of futex, poll, select, epoll, nanosleep, pipes, eventfd, timerfd or
 *   the console ends with -EINTR (also where the handler has SA_RESTART), and the handler runs. A
 *   thread that computes, or waits on a socket, serves it later. Asynchronous cancellation is
 *   deferred likewise. sigsuspend, sigwait and sigtimedwait wait for such signals.
 */
#ifndef UNIBUILD_SIGNAL_H
#define UNIBUILD_SIGNAL_H

#include <stdint.h>

#define UB_SIGNAL_COUNT 64

/* struct sigaction as the system call has it on x86_64. */
struct ub_signal_action {
    void (*handler)(int signal); /* or SIG_DFL, SIG_IGN */
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

extern struct ub_signal_action ub_signal_actions[UB_SIGNAL_COUNT + 1];

/* What a thread has blocked and what waits for it: bit (number - 1). */
struct ub_signal_state {
    uint64_t *mask;
    uint64_t *pending;
};

/* The calling thread's. */
struct ub_signal_state ub_signal_state(void);

/* Takes the actions of what is pending and not blocked on the calling thread. */
void ub_signal_deliver(void);

#endif
