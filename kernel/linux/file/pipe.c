#include <unibuild/linux_call.h>

long ub_sys_pipe2(int *descriptors, long flags);
long ub_sys_close(long descriptor);

static long make(uint64_t address, long flags)
{
    int descriptors[2];
    long result = ub_sys_pipe2(descriptors, flags);
    if (result == 0 && !ub_user_copy_out(address, descriptors, sizeof descriptors)) {
        (void)ub_sys_close(descriptors[0]);
        (void)ub_sys_close(descriptors[1]);
        result = -EFAULT;
    }
    return result;
}

UB_LINUX_CALL(pipe)
{
    return make(frame->rdi, 0);
}

UB_LINUX_CALL(pipe2)
{
    return make(frame->rdi, (int)frame->rsi);
}
