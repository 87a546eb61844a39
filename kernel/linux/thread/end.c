/* The end of a thread of the program, in its own context, where its memory can be touched. */
#include <unibuild/futex.h>
#include <unibuild/image.h>
#include <unibuild/scheduler.h>
#include <unibuild/user.h>

#include "count.h"
#include "threads.h"

#define MAIN_THREAD 1

#pragma weak ub_linux_robust_end
#pragma weak ub_signal_thread_end
void ub_signal_thread_end(struct ub_thread *thread);

unsigned ub_linux_threads = 1;
static int main_status;

_Noreturn void ub_linux_thread_end(int status)
{
    struct ub_thread *self = ub_thread_current();
    if (ub_linux_robust_end != NULL) {
        ub_linux_robust_end();
    }
    if (self->id == MAIN_THREAD) {
        main_status = status;
    }
    if (__atomic_sub_fetch(&ub_linux_threads, 1, __ATOMIC_SEQ_CST) == 0) {
        ub_image_exit(main_status);
    }
    uint64_t word = self->linux.clear_tid;
    if (word != 0 && ub_user_store32(word, 0)) {
        (void)ub_futex_wake((const void *)word, 1, UB_FUTEX_ANY);
    }
    if (ub_signal_thread_end != NULL) {
        ub_signal_thread_end(self);
    }
    self->release = ub_user_thread_free;
    ub_thread_exit();
}
