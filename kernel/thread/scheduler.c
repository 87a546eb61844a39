/* Who runs: run queues, the switch, idling, preemption. See scheduler.h for the locking rule. */
#include <unibuild/initialize.h>
#include <unibuild/interrupt.h>
#include <unibuild/panic.h>

#include <unibuild/scheduler.h>

#pragma weak ub_usage_count_locked

struct ub_lock ub_scheduler_lock;
struct ub_thread *ub_threads;

static struct ub_processor processors[UB_PROCESSORS];
static struct ub_thread main_thread;

/* The context that boots the image becomes thread 1 of processor 0. */
static void initialize(void)
{
    struct ub_processor *processor = &processors[0];
    main_thread.processor = processor;
    main_thread.name = "main";
    main_thread.id = 1;
    main_thread.program = true;
    main_thread.previous = &ub_threads;
    ub_threads = &main_thread;
    processor->current = &main_thread;
    processor->slice_end = UB_CLOCK_NEVER;
    processor->timer = UB_CLOCK_NEVER;
    ub_cpu_current()->scheduler = processor;
    ub_cpu_current()->thread = &main_thread;
}
UB_INITIALIZER(UB_INITIALIZE_THREAD, initialize);

struct ub_thread *ub_thread_current(void)
{
    return ub_cpu_current()->thread;
}

static void run_queue_append(struct ub_processor *processor, struct ub_thread *thread)
{
    thread->run_next = NULL;
    if (processor->run_first == NULL) {
        processor->run_first = thread;
    } else {
        processor->run_last->run_next = thread;
    }
    processor->run_last = thread;
}

static void run_queue_prepend(struct ub_processor *processor, struct ub_thread *thread)
{
    thread->run_next = processor->run_first;
    if (processor->run_first == NULL) {
        processor->run_last = thread;
    }
    processor->run_first = thread;
}

static struct ub_thread *run_queue_take(struct ub_processor *processor)
{
    struct ub_thread *thread = processor->run_first;
    if (thread != NULL) {
        processor->run_first = thread->run_next;
    }
    return thread;
}

void ub_timer_program_locked(struct ub_processor *processor)
{
    uint64_t deadline = ub_timeout_first_locked();
    if (processor->slice_end < deadline) {
        deadline = processor->slice_end;
    }
    /* A timer that is set too early costs one needless interrupt; setting it costs an exit to the
     * monitor each time. So it is only ever moved forward, to an earlier time. */
    if (deadline < processor->timer) {
        processor->timer = deadline;
        ub_timer_set(deadline);
    }
}

/* Starts a slice for the running thread when somebody else wants the processor. */
static void slice_start(struct ub_processor *processor)
{
    if (processor->run_first == NULL) {
        processor->slice_end = UB_CLOCK_NEVER;
        return;
    }
    processor->slice_end = ub_clock_monotonic() + UB_THREAD_SLICE_NS;
    ub_timer_program_locked(processor);
}

void ub_thread_ready_locked(struct ub_thread *thread)
{
    struct ub_processor *processor = thread->processor;
    if (processor->idle) {
        run_queue_append(processor, thread);
        return;
    }
    if (ub_interrupt_active()) {
        /* A device or a deadline made it ready: it has waited, let it answer at once. */
        run_queue_prepend(processor, thread);
        ub_preempt_request();
        return;
    }
    run_queue_append(processor, thread);
    if (processor->slice_end == UB_CLOCK_NEVER) {
        slice_start(processor);
    }
}

static void count_usage(struct ub_thread *thread)
{
    if (ub_usage_count_locked != NULL) {
        ub_usage_count_locked(thread);
    }
}

void ub_schedule_locked(void)
{
    struct ub_processor *processor = ub_processor_current();
    struct ub_thread *self = processor->current;
    struct ub_thread *next = run_queue_take(processor);

    UB_ASSERT(ub_cpu_current()->preempt_count == 0);
    count_usage(self);
    while (next == NULL) {
        processor->idle = true;
        processor->slice_end = UB_CLOCK_NEVER;
        ub_timer_program_locked(processor);
        atomic_flag_clear_explicit(&ub_scheduler_lock.held, memory_order_release);
        ub_interrupt_wait();
        (void)ub_lock_acquire(&ub_scheduler_lock);
        count_usage(NULL);
        next = run_queue_take(processor);
    }
    processor->idle = false;
    processor->current = next;
    ub_cpu_current()->thread = next;
    slice_start(processor);
    if (next != self) {
        atomic_flag_clear_explicit(&ub_scheduler_lock.held, memory_order_release);
        ub_context_switch(&self->context, &next->context);
        (void)ub_lock_acquire(&ub_scheduler_lock);
    }
}

static void yield_locked(struct ub_processor *processor)
{
    if (processor->run_first != NULL) {
        run_queue_append(processor, processor->current);
        ub_schedule_locked();
    }
}

void ub_thread_yield(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    yield_locked(ub_processor_current());
    ub_lock_release(&ub_scheduler_lock, flags);
}

/* From the return path of an interrupt, interrupts disabled. */
void ub_preempt(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct ub_processor *processor = ub_processor_current();
    if (!processor->idle && processor->current != processor->reaper) {
        yield_locked(processor);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
}

void ub_timer_expired(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct ub_processor *processor = ub_processor_current();
    uint64_t now = ub_clock_monotonic();
    processor->timer = UB_CLOCK_NEVER;
    ub_timeout_expire_locked(now);
    if (processor->slice_end <= now) {
        processor->slice_end = UB_CLOCK_NEVER;
        ub_preempt_request();
    }
    ub_timer_program_locked(processor);
    ub_lock_release(&ub_scheduler_lock, flags);
}
