#include <unibuild/linux_call.h>

/* The signal that comes with -EPIPE, where signals are in the image. */
#pragma weak ub_signal_broken_pipe
void ub_signal_broken_pipe(void);

long ub_sys_sendfile(long, long, long, long, long, long);

UB_LINUX_CALL(sendfile)
{
    static const struct ub_shape shapes[UB_ARGUMENTS_MAXIMUM] = {
        {UB_SHAPE_VALUE, 0}, {UB_SHAPE_VALUE, 0}, {UB_SHAPE_IN_OUT, sizeof(int64_t)}};
    long result = ub_call_shaped(frame, shapes, ub_sys_sendfile);
    if (result == -EPIPE && ub_signal_broken_pipe != NULL) {
        ub_signal_broken_pipe();
    }
    return result;
}
