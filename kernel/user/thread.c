/* Threads of the program: a kernel stack each, and the switch between them. */
#include "internal.h"

#include <unibuild/interrupt.h>
#include <unibuild/memory.h>
#include <unibuild/scheduler.h>

/* Fully backed, above a guard page. */
#define STACK_PAGES 4

struct program_thread {
    struct ub_thread thread;
    struct ub_user user;
};
_Static_assert(offsetof(struct ub_thread, context) == 0, "a context is its thread");

void ub_user_switch(struct ub_context *from, struct ub_context *to);

/* Comes back when `from` is to run again: then what it has in the processor is brought there. */
void ub_context_switch(struct ub_context *from, struct ub_context *to)
{
    const struct ub_thread *thread = (const struct ub_thread *)from;
    /* A thread that was interrupted before it could begin has nothing in the processor. */
    if (thread->user != NULL && thread->user == ub_user_cpu()->user) {
        from->thread_pointer = ub_thread_pointer_get();
    }
    ub_user_switch(from, to);
    if (thread->user != NULL) {
        ub_user_adopt(thread->user);
    }
}

static void begin(void *argument)
{
    struct ub_user *user = argument;
    (void)ub_interrupt_disable();
    ub_user_adopt(user);
    ub_user_settle(ub_user_frame_of(user));
    ub_user_return(ub_user_frame_of(user));
}

struct ub_thread *ub_user_thread_create(uint64_t stack_pointer, uint64_t thread_pointer)
{
    if (thread_pointer >= UB_USER_END) {
        return NULL;
    }
    struct program_thread *program = ub_heap_allocate_zeroed(sizeof *program);
    if (program == NULL) {
        return NULL;
    }
    struct ub_user *user = &program->user;
    char *stack = ub_stack_allocate(STACK_PAGES);
    if (stack == NULL || !ub_user_vector_create(user)) {
        if (stack != NULL) {
            ub_stack_free(stack, STACK_PAGES);
        }
        ub_heap_free(program);
        return NULL;
    }
    user->stack_top = (uint64_t)(stack + STACK_PAGES * UB_PAGE_SIZE);
    user->gs_base = ub_user_cpu()->user->gs_base;
    ub_user_vector_copy(user);
    struct ub_exception_frame *frame = ub_user_frame_of(user);
    *frame = *ub_user_frame();
    frame->rax = 0;
    if (stack_pointer != 0) {
        frame->stack_pointer = stack_pointer;
    }
    program->thread.stack = stack;
    program->thread.stack_pages = STACK_PAGES;
    program->thread.name = "program";
    program->thread.program = true;
    program->thread.user = user;
    ub_context_prepare(&program->thread.context, frame, begin, user, thread_pointer);
    return &program->thread;
}

void ub_user_thread_free(struct ub_thread *thread)
{
    struct ub_user *user = thread->user;
    ub_user_vector_free(user);
    unsigned long flags = ub_interrupt_disable();
    if (ub_user_cpu()->user == user) {
        ub_user_cpu()->user = NULL;
    }
    ub_interrupt_restore(flags);
    if (user == &ub_user_main) {
        return; /* its stack and structure are the image's */
    }
    ub_stack_free(thread->stack, thread->stack_pages);
    ub_heap_free(thread);
}
