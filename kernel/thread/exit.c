/* exit(2), the end of one thread. Every program refers to it; only clone brings threads in. */
#include <unibuild/image.h>

#pragma weak ub_thread_exit_program
_Noreturn void ub_thread_exit_program(int status);

long ub_sys_exit(long status);

long ub_sys_exit(long status)
{
    if (ub_thread_exit_program != NULL) {
        ub_thread_exit_program((int)status);
    }
    ub_image_exit((int)status & 0xff);
}
