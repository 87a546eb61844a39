/*
 * Threads of the program. They run on the stack that the program brings, kernel code included, so
 * what an ended thread owes (its stack, the word that a joiner waits for) is settled by the reaper.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>

#include <unibuild/clone.h>
#include <unibuild/futex.h>
#include <unibuild/image.h>
#include <unibuild/memory.h>
#include <unibuild/scheduler.h>

/* What every thread must share, and what may be asked for beside it. */
#define REQUIRED (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define OPTIONAL                                                                                   \
    (CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |                     \
     CLONE_CHILD_CLEARTID | CLONE_DETACHED)

struct program_thread {
    struct ub_thread thread;
    void *unmap; /* the detached thread's own mapping, or NULL */
    size_t unmap_size;
};

long ub_sys_munmap(void *address, size_t size);
long ub_sys_clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, uint64_t tls,
                  void (*entry)(void *stack));

static unsigned program_threads = 1;

/* On the reaper's stack. A joiner waits for *clear_tid and unmaps the stack then. */
static void release(struct ub_thread *thread)
{
    struct program_thread *self = (struct program_thread *)thread;
    if (thread->clear_tid != NULL) {
        __atomic_store_n(thread->clear_tid, 0, __ATOMIC_SEQ_CST);
        (void)ub_futex_wake(thread->clear_tid, 1, UB_FUTEX_ANY);
    }
    if (thread->id == 1) {
        return; /* main's structure and stack are part of the image */
    }
    if (self->unmap != NULL) {
        (void)ub_sys_munmap(self->unmap, self->unmap_size);
    }
    ub_heap_free(self);
}

_Noreturn void ub_thread_exit_program(int status)
{
    struct ub_thread *self = ub_thread_current();
    if (__atomic_sub_fetch(&program_threads, 1, __ATOMIC_SEQ_CST) == 0) {
        ub_image_exit(status & 0xff);
    }
    self->release = release; /* main has had none so far */
    ub_thread_exit();
}

_Noreturn void ub_sys_exit_unmap(void *address, size_t size)
{
    struct program_thread *self = (struct program_thread *)ub_thread_current();
    self->unmap = address;
    self->unmap_size = size;
    ub_thread_exit_program(0);
}

/* Returns once, in the parent: the child starts with entry(stack) on that stack. */
long ub_sys_clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, uint64_t tls,
                  void (*entry)(void *stack))
{
    if ((flags & CLONE_THREAD) == 0) {
        return -ENOSYS; /* a process: there is only the one */
    }
    if ((flags & REQUIRED) != REQUIRED || (flags & ~(unsigned long)(REQUIRED | OPTIONAL)) != 0 ||
        stack == NULL || ((uintptr_t)stack & 15) != 0) {
        return -EINVAL;
    }
    if (!ub_reaper_ensure()) {
        return -ENOMEM;
    }
    struct program_thread *child = ub_heap_allocate_zeroed(sizeof *child);
    if (child == NULL) {
        return -ENOMEM;
    }
    child->thread.name = "program";
    child->thread.program = true;
    child->thread.release = release;
    child->thread.signal_mask = ub_thread_current()->signal_mask;
    child->thread.clear_tid = (flags & CLONE_CHILD_CLEARTID) ? child_tid : NULL;
    ub_context_prepare(&child->thread.context, stack, entry, stack,
                       (flags & CLONE_SETTLS) ? tls : ub_thread_pointer_get());

    /* The ids must be in place before the child can look, and the child cannot run before this
     * processor lets it. */
    unsigned long interrupts = ub_interrupt_disable();
    __atomic_add_fetch(&program_threads, 1, __ATOMIC_SEQ_CST);
    ub_thread_start(&child->thread);
    int id = child->thread.id;
    if (flags & CLONE_PARENT_SETTID) {
        *parent_tid = id;
    }
    if (flags & CLONE_CHILD_SETTID) {
        *child_tid = id;
    }
    ub_interrupt_restore(interrupts);
    return id;
}
