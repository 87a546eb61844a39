#include <signal.h>
#include <stddef.h>

#include <unibuild/linux_signal.h>

#include "signals.h"

/* What it carries is what a signal without an entry says: SI_USER. */
void ub_signal_broken_pipe(void)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    (void)ub_signal_post_locked(ub_thread_current(), SIGPIPE, NULL);
    ub_lock_release(&ub_scheduler_lock, flags);
}
