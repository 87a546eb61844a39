/* splice, tee, vmsplice: the answer of files that cannot be spliced, upon which programs copy. */
#include <unibuild/file.h>
#include <unibuild/linux_call.h>

static bool is_open(uint64_t descriptor)
{
    struct ub_file *file = ub_file_get((int)descriptor);
    if (file != NULL) {
        ub_file_put(file);
    }
    return file != NULL;
}

UB_LINUX_CALL(splice)
{
    return is_open(frame->rdi) && is_open(frame->rdx) ? -EINVAL : -EBADF;
}

UB_LINUX_CALL(tee)
{
    return is_open(frame->rdi) && is_open(frame->rsi) ? -EINVAL : -EBADF;
}

UB_LINUX_CALL(vmsplice)
{
    return is_open(frame->rdi) ? -EINVAL : -EBADF;
}
