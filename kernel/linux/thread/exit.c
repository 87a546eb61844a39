/* exit(2), the end of one thread; exit_group, of all. Every program refers to both, so neither may
 * bring threads in. */
#include <unibuild/image.h>
#include <unibuild/linux_call.h>

#include "threads.h"

#pragma weak ub_linux_thread_end

UB_LINUX_CALL(exit)
{
    int status = (int)ub_argument(frame, 0) & 0xff;
    if (ub_linux_thread_end != NULL) {
        ub_linux_thread_end(status);
    }
    ub_image_exit(status);
}

UB_LINUX_CALL(exit_group)
{
    ub_image_exit((int)ub_argument(frame, 0) & 0xff);
}
