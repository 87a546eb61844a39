/* Every program that reads or writes refers to this; what serves signals comes with what sends
 * them. */
#include <errno.h>

#include <unibuild/thread.h>

#pragma weak ub_signal_deliver
void ub_signal_deliver(void);

long ub_thread_serve(long result)
{
    if (result == -EINTR && ub_signal_deliver != NULL) {
        ub_signal_deliver();
    }
    return result;
}
