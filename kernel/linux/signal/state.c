/* Which signals wait for whom. */
#include <signal.h>
#include <stddef.h>

#include <unibuild/memory.h>

#include "signals.h"

struct signal_action ub_linux_signal_actions[SIGNALS + 1];
uint64_t ub_signal_process_pending;
static struct ub_signal_entry *process_signals;

/* Only programs that can call signalfd have it. */
#pragma weak ub_signal_files_notify_locked

/* Faults come before everything else that waits, as the handler must see the instruction. */
#define SYNCHRONOUS                                                                                \
    (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGFPE) | BIT(SIGSYS))

bool ub_signal_ignored(int signal)
{
    uint64_t handler = ub_linux_signal_actions[signal].handler;
    return handler == (uint64_t)SIG_IGN ||
           (handler == (uint64_t)SIG_DFL && (ub_linux_signals_harmless & BIT(signal)) != 0);
}

static bool blocks(const struct ub_thread *thread, int signal)
{
    return ((thread->signal_mask | thread->linux.awaited) & BIT(signal)) != 0;
}

static bool takes(const struct ub_thread *thread, int signal)
{
    return thread->program && ((~thread->signal_mask | thread->linux.awaited) & BIT(signal)) != 0;
}

/* What nobody blocks and nobody handles has no effect, now or later. */
static bool drops(const struct ub_thread *target, int signal)
{
    if (!ub_signal_ignored(signal)) {
        return false;
    }
    if (target != NULL) {
        return !blocks(target, signal);
    }
    const struct ub_thread *thread = ub_threads;
    while (thread != NULL && !(thread->program && blocks(thread, signal))) {
        thread = thread->next;
    }
    return thread == NULL;
}

/* Whoever may take the signal looks for it before it goes back to ring 3; one is woken for it, the
 * oldest that can, which is main by preference (the list has the youngest first). */
static void offer_to_process(int signal)
{
    struct ub_thread *chosen = NULL;
    for (struct ub_thread *thread = ub_threads; thread != NULL; thread = thread->next) {
        if (takes(thread, signal)) {
            thread->leave = true;
            chosen = thread;
        }
    }
    if (chosen != NULL) {
        ub_thread_interrupt_locked(chosen);
    }
}

void ub_signal_retarget_locked(void)
{
    for (uint64_t left = ub_signal_process_pending; left != 0; left &= left - 1) {
        offer_to_process(__builtin_ctzl(left) + 1);
    }
}

struct ub_signal_entry *ub_signal_post_locked(struct ub_thread *thread, int signal,
                                              struct ub_signal_entry *entry)
{
    uint64_t *pending = thread != NULL ? &thread->signal_pending : &ub_signal_process_pending;
    if (drops(thread, signal) || (signal < FIRST_REALTIME && (*pending & BIT(signal)) != 0)) {
        return entry;
    }
    (void)__atomic_fetch_or(pending, BIT(signal), __ATOMIC_ACQ_REL);
    if (entry != NULL) {
        struct ub_signal_entry **end = thread != NULL ? &thread->linux.signals : &process_signals;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        entry->next = NULL;
        entry->queued = true;
        *end = entry;
    }
    if (ub_signal_files_notify_locked != NULL) {
        ub_signal_files_notify_locked(signal);
    }
    if (thread == NULL) {
        offer_to_process(signal);
    } else if (takes(thread, signal)) {
        thread->leave = true;
        ub_thread_interrupt_locked(thread);
    }
    return NULL;
}

/* The oldest entry of a signal leaves its queue. */
static struct ub_signal_entry *unlink_first(struct ub_signal_entry **queue, int signal)
{
    while (*queue != NULL && (*queue)->information.signal != signal) {
        queue = &(*queue)->next;
    }
    struct ub_signal_entry *entry = *queue;
    if (entry != NULL) {
        *queue = entry->next;
        entry->queued = false;
        entry->overrun = entry->information.user;
    }
    return entry;
}

static bool holds(const struct ub_signal_entry *queue, int signal)
{
    while (queue != NULL && queue->information.signal != signal) {
        queue = queue->next;
    }
    return queue != NULL;
}

static int take_from(uint64_t *pending, struct ub_signal_entry **queue, uint64_t set,
                     struct signal_information *information, struct ub_signal_entry **taken)
{
    uint64_t found = *pending & set;
    if (found == 0) {
        return 0;
    }
    found = (found & SYNCHRONOUS) != 0 ? found & SYNCHRONOUS : found;
    int signal = __builtin_ctzl(found) + 1;
    *taken = unlink_first(queue, signal);
    *information = *taken != NULL ? (*taken)->information
                                  : (struct signal_information){.signal = signal, .code = SI_USER};
    if (*taken != NULL && (*taken)->lent) {
        *taken = NULL; /* its timer's, which may be gone as soon as the lock is given up */
    }
    if (!holds(*queue, signal)) {
        (void)__atomic_fetch_and(pending, ~BIT(signal), __ATOMIC_ACQ_REL);
    }
    return signal;
}

int ub_signal_take_locked(struct ub_thread *thread, uint64_t set,
                          struct signal_information *information, struct ub_signal_entry **taken)
{
    *taken = NULL;
    int signal =
        take_from(&thread->signal_pending, &thread->linux.signals, set, information, taken);
    if (signal == 0) {
        signal = take_from(&ub_signal_process_pending, &process_signals, set, information, taken);
    }
    return signal;
}

/* Moves the entries of a signal (0: of all) from a queue to the list `taken`. */
static void drain(struct ub_signal_entry **queue, int signal, struct ub_signal_entry **taken)
{
    while (*queue != NULL) {
        struct ub_signal_entry *entry = *queue;
        if (signal != 0 && entry->information.signal != signal) {
            queue = &entry->next;
            continue;
        }
        *queue = entry->next;
        entry->queued = false;
        if (!entry->lent) { /* that is its timer's, which may queue it again or go */
            entry->next = *taken;
            *taken = entry;
        }
    }
}

struct ub_signal_entry *ub_signal_forget_locked(int signal)
{
    struct ub_signal_entry *taken = NULL;
    (void)__atomic_fetch_and(&ub_signal_process_pending, ~BIT(signal), __ATOMIC_ACQ_REL);
    drain(&process_signals, signal, &taken);
    for (struct ub_thread *thread = ub_threads; thread != NULL; thread = thread->next) {
        (void)__atomic_fetch_and(&thread->signal_pending, ~BIT(signal), __ATOMIC_ACQ_REL);
        drain(&thread->linux.signals, signal, &taken);
    }
    return taken;
}

static bool unlink_entry(uint64_t *pending, struct ub_signal_entry **queue,
                         const struct ub_signal_entry *entry)
{
    struct ub_signal_entry **at = queue;
    while (*at != NULL && *at != entry) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return false;
    }
    *at = entry->next;
    if (!holds(*queue, entry->information.signal)) {
        (void)__atomic_fetch_and(pending, ~BIT(entry->information.signal), __ATOMIC_ACQ_REL);
    }
    return true;
}

void ub_signal_withdraw_locked(struct ub_signal_entry *entry)
{
    bool found =
        !entry->queued || unlink_entry(&ub_signal_process_pending, &process_signals, entry);
    for (struct ub_thread *thread = ub_threads; !found && thread != NULL; thread = thread->next) {
        found = unlink_entry(&thread->signal_pending, &thread->linux.signals, entry);
    }
    entry->queued = false;
}

void ub_signal_mask_locked(struct ub_thread *thread, uint64_t mask)
{
    uint64_t before = thread->signal_mask;
    thread->signal_mask = mask & ~UNBLOCKABLE;
    if (((thread->signal_pending | ub_signal_process_pending) & ~thread->signal_mask) != 0) {
        thread->leave = true;
    }
    if ((ub_signal_process_pending & thread->signal_mask & ~before) != 0) {
        ub_signal_retarget_locked(); /* perhaps it had been woken for one of these */
    }
}

void ub_signal_mask_set(uint64_t mask)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_signal_mask_locked(ub_thread_current(), mask);
    ub_lock_release(&ub_scheduler_lock, flags);
}

/* Entries from the heap at a time: a program that never looks at its signals cannot take all
 * memory. */
#define QUEUE_LIMIT 4096U

static unsigned queued;

struct ub_signal_entry *ub_signal_entry_create(const struct signal_information *information)
{
    struct ub_signal_entry *entry = NULL;
    if (__atomic_add_fetch(&queued, 1, __ATOMIC_RELAXED) <= QUEUE_LIMIT) {
        entry = ub_heap_allocate_zeroed(sizeof *entry);
    }
    if (entry == NULL) {
        (void)__atomic_sub_fetch(&queued, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    entry->information = *information;
    return entry;
}

void ub_signal_entry_free(struct ub_signal_entry *entry)
{
    if (entry != NULL && !entry->lent) {
        (void)__atomic_sub_fetch(&queued, 1, __ATOMIC_RELAXED);
        ub_heap_free(entry);
    }
}

void ub_signal_entries_free(struct ub_signal_entry *first)
{
    while (first != NULL) {
        struct ub_signal_entry *next = first->next;
        ub_signal_entry_free(first);
        first = next;
    }
}

/* The end of a thread (kernel/linux/thread): what was for it alone is lost, what was for the
 * process may need another taker. */
void ub_signal_thread_end(struct ub_thread *thread);

void ub_signal_thread_end(struct ub_thread *thread)
{
    struct ub_signal_entry *taken = NULL;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    drain(&thread->linux.signals, 0, &taken);
    thread->signal_pending = 0;
    thread->program = false; /* takes nothing any more */
    ub_signal_retarget_locked();
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_signal_entries_free(taken);
}
