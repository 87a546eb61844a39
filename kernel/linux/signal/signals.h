/* What the files of kernel/linux/signal share: actions, queues, and the frame on the program's
 * stack. */
#ifndef UNIBUILD_LINUX_SIGNALS_H
#define UNIBUILD_LINUX_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include <unibuild/exception.h>
#include <unibuild/scheduler.h>
#include <unibuild/user.h>

#define SIGNALS 64
#define FIRST_REALTIME 32
#define BIT(signal) (1UL << ((signal) - 1))
/* SIGKILL and SIGSTOP. */
#define UNBLOCKABLE (BIT(9) | BIT(19))

/* In a frame's `vector`: neither an exception nor a call brought the program here. */
#define VECTOR_NONE (UB_VECTOR_CALL + 1)

/* struct sigaction as rt_sigaction has it; handler 0 is SIG_DFL, 1 is SIG_IGN. */
struct signal_action {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};

/* The part of siginfo that anybody uses; the rest of its 128 bytes is zero. */
struct signal_information {
    int32_t signal;
    int32_t error;
    int32_t code;
    int32_t padding;
    union {
        struct {
            int32_t process; /* or the timer's id */
            uint32_t user;   /* or the timer's overrun */
            uint64_t value;
        };
        uint64_t address;
        uint64_t words[4];
    };
};
_Static_assert(sizeof(struct signal_information) == 48, "what Linux takes of a siginfo");

/* One queued signal. Those of timers belong to them; others are from the heap. */
struct ub_signal_entry {
    struct ub_signal_entry *next;
    bool lent;
    bool queued;
    uint32_t overrun; /* a timer's, at its last delivery */
    struct signal_information information;
};

/* ---- state.c: all with the scheduler lock held ------------------------------------------------
 */

extern struct signal_action ub_linux_signal_actions[SIGNALS + 1];
/* By default these do nothing. */
extern const uint64_t ub_linux_signals_harmless;

/*
 * Puts a signal into a thread's queue, or the process's (NULL), and wakes who shall take it.
 * `entry` may be NULL: then nothing is known but the number. Returns the entry if it was not
 * queued.
 */
struct ub_signal_entry *ub_signal_post_locked(struct ub_thread *thread, int signal,
                                              struct ub_signal_entry *entry);
/* Takes the next signal of `set` for the thread, or 0. `taken` is for ub_signal_entry_free, or
 * NULL. */
int ub_signal_take_locked(struct ub_thread *thread, uint64_t set,
                          struct signal_information *information, struct ub_signal_entry **taken);
/* signalfd.c: a signal has come; those who wait for it to be readable look. */
void ub_signal_files_notify_locked(int signal);
/* Takes back an entry that a timer lent. */
void ub_signal_withdraw_locked(struct ub_signal_entry *entry);
/* Forgets a signal wherever it waits; the entries, for ub_signal_entries_free. */
struct ub_signal_entry *ub_signal_forget_locked(int signal);
/* Whether a default or chosen action is to do nothing. */
bool ub_signal_ignored(int signal);
void ub_signal_mask_locked(struct ub_thread *thread, uint64_t mask);
/* Finds takers for what waits in the process's queue. */
void ub_signal_retarget_locked(void);

/* ---- Without the lock ----------------------------------------------------------------------- */

/* NULL when memory is out, or too many wait: then only the signal's number can be queued. */
struct ub_signal_entry *ub_signal_entry_create(const struct signal_information *information);
void ub_signal_entry_free(struct ub_signal_entry *entry);
void ub_signal_entries_free(struct ub_signal_entry *first);
void ub_signal_mask_set(uint64_t mask);

/* fault.c: a signal that the thread cannot put off. Builds the handler's frame or ends the image.
 */
void ub_signal_force(struct ub_exception_frame *frame,
                     const struct signal_information *information);
/* leave.c: the handler's frame; or that of SIGSEGV when the stack does not take it. */
void ub_signal_handle(struct ub_exception_frame *frame, const struct signal_action *action,
                      const struct signal_information *information);

/* frame.c: false when the program's stack cannot take the frame. */
bool ub_signal_frame_push(struct ub_exception_frame *frame, const struct signal_action *action,
                          const struct signal_information *information, uint64_t mask);
/* False when the frame at `address` is not one to go back to. */
bool ub_signal_frame_pop(struct ub_exception_frame *frame, uint64_t address, uint64_t *mask);

/* stack.c */
bool ub_signal_on_stack(const struct ub_thread *thread, uint64_t stack_pointer);
struct signal_stack {
    uint64_t pointer;
    int32_t flags;
    int32_t padding;
    uint64_t size;
};
struct signal_stack ub_signal_stack_of(const struct ub_thread *thread);
long ub_signal_stack_set(struct ub_thread *thread, const struct signal_stack *stack,
                         uint64_t stack_pointer);

#endif
