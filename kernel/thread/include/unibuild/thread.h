/*
 * Threads, wait queues, timeouts and mutexes.
 *
 * One address space. Threads of a linked program (clone) and kernel threads are the same thing and
 * run kernel code on their own stack; a thread of a program in ring 3 has a kernel stack beside its
 * own (kernel/user). Threads are preempted: from the timer interrupt when a slice of
 * UB_THREAD_SLICE_NS is over and another thread is runnable (no tick runs otherwise), and when an
 * interrupt handler wakes a thread while the processor idles. Kernel code is preemptible wherever
 * interrupts are enabled and ub_preempt_disable does not hold: shared data needs a spinlock (short,
 * also against interrupt handlers), or a mutex (may be held while waiting; threads only). A
 * processor with nothing to run halts.
 *
 * Times are nanoseconds of ub_clock_monotonic(); UB_CLOCK_NEVER means no deadline.
 * Everything is written for several processors; UB_PROCESSORS is 1 today.
 */
#ifndef UNIBUILD_THREAD_H
#define UNIBUILD_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unibuild/clock.h>
#include <unibuild/lock.h>

#define UB_PROCESSORS 1
#define UB_THREAD_SLICE_NS 10000000ULL

struct ub_thread;

/* ---- Wait queues --------------------------------------------------------------------------- */

/*
 * Who waits for something. All zero is an empty queue. The waker changes its state first and then
 * wakes; the waiter checks the state again after each return, since wakes may be spurious.
 */
struct ub_wait_queue {
    struct ub_wait_entry *first;
    struct ub_wait_entry *last;
};

/*
 * One entry of a queue: a waiting thread, or a callback of a component (poll, epoll). `wake` runs
 * for each wake of the queue, with the scheduler lock held and interrupts disabled: it may only
 * touch its own data and call ub_wake_*_locked. It returns true when it consumed a ub_wake_one.
 */
struct ub_wait_entry {
    struct ub_wait_entry *next;
    struct ub_wait_entry *previous;
    struct ub_wait_queue *queue; /* NULL: in no queue */
    bool (*wake)(struct ub_wait_entry *entry);
};

/*
 * Waits until `queue` is woken or the clock reaches `deadline_ns`. Call with interrupts disabled;
 * returns with interrupts disabled (they are enabled while others run). Returns 0 or -ETIMEDOUT.
 *
 *     unsigned long flags = ub_interrupt_disable();
 *     while (!ready && result == 0)
 *         result = ub_wait(&queue, deadline);
 *     ub_interrupt_restore(flags);
 */
int ub_wait(struct ub_wait_queue *queue, uint64_t deadline_ns);

/*
 * The same for state behind a spinlock: lets `lock` go once the thread is enqueued, so that no
 * wake between check and wait is lost on any number of processors, and holds it again on return.
 */
int ub_wait_unlock(struct ub_wait_queue *queue, struct ub_lock *lock, uint64_t deadline_ns);

/* Wake the longest waiting entry, or all. Callable from threads and interrupt handlers, with or
 * without other spinlocks held. ub_wake_one returns whether somebody was woken. */
bool ub_wake_one(struct ub_wait_queue *queue);
void ub_wake_all(struct ub_wait_queue *queue);

/* For ub_wait_entry callbacks only: the scheduler lock is held already. */
bool ub_wake_one_locked(struct ub_wait_queue *queue);
void ub_wake_all_locked(struct ub_wait_queue *queue);

/* Join or leave a queue with a callback entry. Leaving is idempotent; after it returns the
 * callback does not run any more. */
void ub_wait_entry_join(struct ub_wait_queue *queue, struct ub_wait_entry *entry);
void ub_wait_entry_leave(struct ub_wait_entry *entry);

/* ---- Events -------------------------------------------------------------------------------- */

/* A flag that a thread can wait for, and that callbacks can set. All zero is a flag not set. */
struct ub_event {
    bool set;
    struct ub_wait_queue queue;
};

/* Waits until the flag is set and clears it. Returns 0, -ETIMEDOUT or -EINTR (see below). */
int ub_event_wait(struct ub_event *event, uint64_t deadline_ns);
/* For ub_wait_entry and ub_timeout callbacks. */
void ub_event_set_locked(struct ub_event *event);

/* ---- Timeouts ------------------------------------------------------------------------------ */

/*
 * Calls `expire` once at `deadline`, in interrupt context with the scheduler lock held (the rules
 * of ub_wait_entry.wake apply; it may start its own timeout again with ub_timeout_start_locked).
 * All zero but `expire` is a stopped timeout. The owner keeps the storage until it is stopped.
 */
struct ub_timeout {
    struct ub_timeout *next;
    struct ub_timeout *previous;
    uint64_t deadline;
    bool active;
    void (*expire)(struct ub_timeout *timeout);
};

/* Start, or move when it is started already. A deadline in the past expires at once. */
void ub_timeout_start(struct ub_timeout *timeout, uint64_t deadline_ns);
void ub_timeout_start_locked(struct ub_timeout *timeout, uint64_t deadline_ns);
/* After this returns `expire` does not run any more. */
void ub_timeout_stop(struct ub_timeout *timeout);

/* ---- Threads ------------------------------------------------------------------------------- */

/*
 * A kernel thread on a stack of `stack_pages` pages of its own (an unmapped guard page below it),
 * runnable at once. `name` is kept by reference. Returns NULL when memory is out. The thread ends
 * when `entry` returns; its memory is released then. Kernel threads do not keep the image alive:
 * the image ends when the program's main thread ends or calls exit_group.
 */
struct ub_thread *ub_thread_create(void (*entry)(void *argument), void *argument, const char *name,
                                   size_t stack_pages);

/* The running thread; in interrupt handlers the interrupted one. Never NULL. */
struct ub_thread *ub_thread_current(void);

/* Thread id: 1 is the main thread. */
int ub_thread_id(const struct ub_thread *thread);
const char *ub_thread_name(const struct ub_thread *thread);

/*
 * Nanoseconds that the processor has run a thread of the program (false: there is none with this
 * id), or all threads of the program, those that have ended too. Interrupts count for whom they cut
 * short.
 */
bool ub_thread_usage(int id, uint64_t *nanoseconds);
uint64_t ub_program_usage(void);

/* Lets other runnable threads run first. */
void ub_thread_yield(void);

/* Waits for the deadline. Returns 0, or -EINTR (see Signals). */
int ub_thread_sleep_until(uint64_t deadline_ns);

/* Ends the calling thread. */
_Noreturn void ub_thread_exit(void);

/* ---- Signals ------------------------------------------------------------------------------- */

/*
 * Whether a signal with a handler waits for the calling thread (kernel/signal). Such a thread is
 * woken from wherever it waits. A wait on behalf of the program asks before each wait, ends with
 * -EINTR when it is so, and the system call returns through ub_thread_serve, without locks held.
 */
bool ub_thread_interrupted(void);

/* Runs the handlers when `result` is -EINTR; returns it. */
long ub_thread_serve(long result);

/* ---- Mutexes ------------------------------------------------------------------------------- */

/*
 * A sleeping lock for threads, not recursive. Waiters are woken in order of arrival; a thread that
 * runs may take a free mutex before a woken one does. All zero is unlocked.
 */
struct ub_mutex {
    struct ub_lock lock;
    struct ub_thread *owner;
    struct ub_wait_queue waiters;
};

void ub_mutex_lock(struct ub_mutex *mutex);
bool ub_mutex_try(struct ub_mutex *mutex);
/* Aborts when the caller does not hold it. */
void ub_mutex_unlock(struct ub_mutex *mutex);

/*
 * Waits on `queue` with `mutex` let go, atomically against wakers who hold the mutex; holds it
 * again on return. Returns 0 or -ETIMEDOUT. (A condition variable is a wait queue and a mutex.)
 */
int ub_mutex_wait(struct ub_mutex *mutex, struct ub_wait_queue *queue, uint64_t deadline_ns);

#endif
