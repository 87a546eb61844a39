/*
 * For kernel/thread and components that make threads of a kind of their own: the thread structure,
 * the processors' run queues and the one lock.
 *
 * ub_scheduler_lock guards every run queue, wait queue, timeout and thread state. It may be taken
 * with any other spinlock held, and no other lock may be taken while it is held.
 *
 * A thread belongs to the processor that it was created on and is only ever run there. So a
 * processor lets the lock go before it switches: nobody else can take up the context that it is
 * about to save, as long as its own interrupts stay disabled.
 */
#ifndef UNIBUILD_SCHEDULER_H
#define UNIBUILD_SCHEDULER_H

#include <unibuild/context.h>
#include <unibuild/cpu.h>
#include <unibuild/thread.h>

struct ub_processor;
struct ub_signal_entry;

/* What kernel/linux keeps of a thread of a program in ring 3. All zero is a new thread's. */
struct ub_linux_thread {
    uint64_t clear_tid;   /* the program's word that the end zeroes and wakes, or 0 */
    uint64_t robust_list; /* the head of the mutexes that the end marks as orphaned, or 0 */
    struct ub_signal_entry *signals; /* of signal_pending, what came with each; oldest first */
    uint64_t awaited;                /* the set that sigtimedwait waits for, or 0 */
    uint64_t saved_mask;             /* to go back to when the call is over, with mask_saved */
    uint64_t stack_base, stack_size; /* the alternate signal stack; size 0: none */
    uint64_t stack_flags;
    char name[16]; /* prctl(PR_SET_NAME), with its NUL; empty: the program's */
    uint64_t fault_vector, fault_error, fault_address; /* of the last fault */
    bool mask_saved;
};

struct ub_thread {
    struct ub_context context;
    struct ub_processor *processor;
    struct ub_wait_entry *waiting; /* where the thread waits, or NULL */
    struct ub_thread *run_next;    /* in the run queue, or the reaper's list */
    struct ub_thread *next;        /* in the list of all threads */
    struct ub_thread **previous;   /* where that list points at this one */
    const char *name;
    int id;
    uint64_t ran; /* nanoseconds on the processor, where kernel/thread/usage.c is linked */
    bool program; /* made by clone (or main): the image lives as long as one of these does */
    /* The thread runs no more and is on no stack of its own: give back what it has. */
    void (*release)(struct ub_thread *thread);
    void *stack; /* kernel threads: from ub_stack_allocate */
    size_t stack_pages;
    uint64_t signal_mask; /* kernel/signal: bit (number - 1) */
    uint64_t signal_pending;
    int *clear_tid; /* CLONE_CHILD_CLEARTID: zeroed and woken as a futex at the end */
    bool leave;     /* ub_user_leave has something to do before the next return to ring 3 */
    struct ub_linux_thread linux;
    struct ub_user *user; /* kernel/user: of a thread that leaves ring 0, else NULL */
};

struct ub_processor {
    struct ub_thread *current;
    struct ub_thread *run_first;
    struct ub_thread *run_last;
    uint64_t slice_end;       /* of the current thread; UB_CLOCK_NEVER: nobody else wants to run */
    uint64_t since;           /* when the current thread took it up; for usage.c */
    uint64_t timer;           /* what the hardware timer is set to */
    bool idle;                /* halts on the stack of `current`, which is not runnable */
    struct ub_thread *ended;  /* for the reaper */
    struct ub_thread *reaper; /* runs on a stack of its own what an ended thread leaves behind */
};

extern struct ub_lock ub_scheduler_lock;
extern struct ub_thread *ub_threads; /* all but the reapers */

/* Signals for whichever thread of the program takes them first; only kernel/linux/signal has it. */
extern uint64_t ub_signal_process_pending;

static inline struct ub_processor *ub_processor_current(void)
{
    return ub_cpu_current()->scheduler;
}

/* The functions below want the lock held. */

/* Puts a thread that waits no longer on its run queue. */
void ub_thread_ready_locked(struct ub_thread *thread);
/* Gives the processor to the next runnable thread or idles until there is one. The caller made
 * sure that somebody makes the current thread ready again. Returns with the lock held. */
void ub_schedule_locked(void);
/* ub_wait for state that the scheduler lock itself guards. */
int ub_wait_locked(struct ub_wait_queue *queue, uint64_t deadline_ns);
void ub_wait_entry_join_locked(struct ub_wait_queue *queue, struct ub_wait_entry *entry);
void ub_wait_entry_leave_locked(struct ub_wait_entry *entry);
/* Counts the time that `thread` had until now; NULL: nobody ran. Weak in the scheduler: linked only
 * where something asks for processor time. */
void ub_usage_count_locked(struct ub_thread *thread);
/* Ends the wait of a thread that has a signal to see to, as if its queue were woken. */
void ub_thread_interrupt_locked(struct ub_thread *thread);
/* Sets the hardware timer for the next timeout or end of slice. */
void ub_timer_program_locked(struct ub_processor *processor);
/* Runs what is due; the earliest deadline that is left, or UB_CLOCK_NEVER. */
void ub_timeout_expire_locked(uint64_t now);
uint64_t ub_timeout_first_locked(void);
void ub_timeout_stop_locked(struct ub_timeout *timeout);

/* The thread with that id, or NULL. */
struct ub_thread *ub_thread_find_locked(int id);
/* ub_thread_usage and ub_program_usage, also for interrupt handlers. */
bool ub_thread_usage_locked(int id, uint64_t *nanoseconds);
uint64_t ub_program_usage_locked(void);

/* These take the lock themselves. */

/* Adds a prepared thread to the list of all threads, with a new id, which it returns. */
int ub_thread_enlist(struct ub_thread *thread);
/* Makes a prepared thread ready; enlists it before, if nobody has. */
void ub_thread_start(struct ub_thread *thread);
/* Sees to it that the reaper exists; false when memory is out. */
bool ub_reaper_ensure(void);

#endif
