/* Kernel threads: making them, and what is left of any thread when it ends. */
#include <unibuild/image.h>
#include <unibuild/interrupt.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>

#include <unibuild/scheduler.h>

/* Giving back memory wants 4 KiB of stack below its deepest frame. */
#define REAPER_STACK_PAGES 4

/* Ids go round below Linux's limit, so that they fit where mutexes keep them beside their flags. */
#define ID_LIMIT (1 << 22)

static int last_id = 1;
static bool ids_reused;

struct kernel_thread {
    struct ub_thread thread;
    void (*entry)(void *argument);
    void *argument;
};

/*
 * Runs on the reaper's stack, when an ended thread has left its own for good: only now may the
 * stack be given back, or a joiner be told (who gives it back). Never preempted.
 */
static void reap(void *argument)
{
    struct ub_processor *processor = argument;
    (void)ub_interrupt_disable();
    for (;;) {
        (void)ub_lock_acquire(&ub_scheduler_lock);
        struct ub_thread *thread = processor->ended;
        if (thread == NULL) {
            ub_schedule_locked(); /* comes back when the next thread has ended */
            ub_lock_release(&ub_scheduler_lock, 0);
            continue;
        }
        processor->ended = thread->run_next;
        ub_lock_release(&ub_scheduler_lock, 0);
        thread->release(thread);
    }
}

bool ub_reaper_ensure(void)
{
    struct ub_processor *processor = ub_processor_current();
    if (processor->reaper != NULL) {
        return true;
    }
    struct ub_thread *reaper = ub_heap_allocate_zeroed(sizeof *reaper);
    void *stack = ub_stack_allocate(REAPER_STACK_PAGES);
    if (reaper == NULL || stack == NULL) {
        ub_heap_free(reaper);
        if (stack != NULL) {
            ub_stack_free(stack, REAPER_STACK_PAGES);
        }
        return false;
    }
    reaper->name = "reaper";
    reaper->processor = processor;
    ub_context_prepare(&reaper->context, (char *)stack + REAPER_STACK_PAGES * UB_PAGE_SIZE, reap,
                       processor, 0);
    processor->reaper = reaper;
    return true;
}

static int id_draw_locked(void)
{
    do {
        if (++last_id == ID_LIMIT) {
            last_id = 2;
            ids_reused = true;
        }
    } while (ids_reused && ub_thread_find_locked(last_id) != NULL);
    return last_id;
}

static void enlist_locked(struct ub_thread *thread)
{
    thread->processor = ub_processor_current();
    thread->id = id_draw_locked();
    thread->next = ub_threads;
    thread->previous = &ub_threads;
    ub_threads->previous = &thread->next;
    ub_threads = thread;
}

int ub_thread_enlist(struct ub_thread *thread)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    enlist_locked(thread);
    ub_lock_release(&ub_scheduler_lock, flags);
    return thread->id;
}

void ub_thread_start(struct ub_thread *thread)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    if (thread->id == 0) {
        enlist_locked(thread);
    }
    ub_thread_ready_locked(thread);
    ub_lock_release(&ub_scheduler_lock, flags);
}

/* The reaper takes over; it is not on the run queue, only an end leads to it. */
_Noreturn void ub_thread_exit(void)
{
    (void)ub_lock_acquire(&ub_scheduler_lock);
    struct ub_processor *processor = ub_processor_current();
    struct ub_thread *self = processor->current;
    UB_ASSERT(processor->reaper != NULL);
    *self->previous = self->next;
    if (self->next != NULL) {
        self->next->previous = self->previous;
    }
    self->run_next = processor->ended;
    processor->ended = self;
    processor->current = processor->reaper;
    ub_cpu_current()->thread = processor->reaper;
    atomic_flag_clear_explicit(&ub_scheduler_lock.held, memory_order_release);
    ub_context_switch(&self->context, &processor->reaper->context);
    __builtin_unreachable();
}

static void release_kernel_thread(struct ub_thread *thread)
{
    ub_stack_free(thread->stack, thread->stack_pages);
    ub_heap_free(thread);
}

static void start(void *argument)
{
    struct kernel_thread *thread = argument;
    thread->entry(thread->argument);
    ub_thread_exit();
}

struct ub_thread *ub_thread_create(void (*entry)(void *argument), void *argument, const char *name,
                                   size_t stack_pages)
{
    if (!ub_reaper_ensure()) {
        return NULL;
    }
    struct kernel_thread *thread = ub_heap_allocate_zeroed(sizeof *thread);
    if (thread == NULL) {
        return NULL;
    }
    void *stack = ub_stack_allocate(stack_pages);
    if (stack == NULL) {
        ub_heap_free(thread);
        return NULL;
    }
    thread->entry = entry;
    thread->argument = argument;
    thread->thread.name = name;
    thread->thread.stack = stack;
    thread->thread.stack_pages = stack_pages;
    thread->thread.release = release_kernel_thread;
    ub_context_prepare(&thread->thread.context, (char *)stack + stack_pages * UB_PAGE_SIZE, start,
                       thread, 0);
    ub_thread_start(&thread->thread);
    return &thread->thread;
}

int ub_thread_id(const struct ub_thread *thread)
{
    return thread->id;
}

const char *ub_thread_name(const struct ub_thread *thread)
{
    return thread->name;
}
