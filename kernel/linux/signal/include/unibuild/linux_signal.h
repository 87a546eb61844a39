/*
 * Signals of programs in ring 3, as Linux has them on x86-64.
 *
 * A handler runs on the program's stack, or its alternate one, with the frame that Linux builds:
 * siginfo, ucontext with every register, and the vector state in XSAVE's (or FXSAVE's) form; it
 * ends with rt_sigreturn. Signals are served before each return to ring 3, so also to a thread that
 * computes. Faults of the program are signals to the thread that made them. A signal that ends the
 * program ends the image, by ub_user_end.
 *
 * Differences: there is one process, so nothing sends SIGCHLD; the signals that stop a process
 * (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU) do nothing by default, for nobody could continue it.
 *
 * Only images whose program can call rt_sigaction or send a signal link any of this. Other
 * components refer to the functions below weakly.
 */
#ifndef UNIBUILD_LINUX_SIGNAL_H
#define UNIBUILD_LINUX_SIGNAL_H

#include <stdint.h>

/*
 * The calling thread's mask until its system call is over (ppoll, pselect6, epoll_pwait). A call
 * that ends with -EINTR serves what this mask lets through before the former one is back.
 */
void ub_signal_wait_mask(uint64_t mask);

/* SIGPIPE to the calling thread: what a write to a stream without reader does beside -EPIPE. */
void ub_signal_broken_pipe(void);

/* The calling thread's system call answers -EINTR, if so, even to a handler with SA_RESTART: part
 * of the time that it was given has gone (SO_RCVTIMEO). */
void ub_signal_no_restart(void);

/* The bytes of stack that a signal needs at most, for AT_MINSIGSTKSZ. */
uint64_t ub_signal_frame_size(void);

#endif
