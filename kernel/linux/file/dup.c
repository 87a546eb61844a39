#include <unibuild/file.h>
#include <unibuild/linux_call.h>

long ub_sys_dup3(long descriptor, long target, long flags);

UB_LINUX_SHAPED(dup, ub_sys_dup, {UB_SHAPE_VALUE, 0})

UB_LINUX_CALL(dup3)
{
    return ub_sys_dup3((int)frame->rdi, (int)frame->rsi, (int)frame->rdx);
}

/* As dup3, but a descriptor that is its own target is left alone. */
UB_LINUX_CALL(dup2)
{
    if ((int)frame->rdi != (int)frame->rsi) {
        return ub_sys_dup3((int)frame->rdi, (int)frame->rsi, 0);
    }
    struct ub_file *file = ub_file_get((int)frame->rdi);
    if (file == NULL) {
        return -EBADF;
    }
    ub_file_put(file);
    return (int)frame->rdi;
}
