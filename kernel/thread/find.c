#include <unibuild/scheduler.h>

struct ub_thread *ub_thread_find_locked(int id)
{
    struct ub_thread *thread = ub_threads;
    while (thread != NULL && thread->id != id) {
        thread = thread->next;
    }
    return thread;
}
