/* Nothing is ever unwritten: done, for what is open. */
#include <unibuild/file.h>
#include <unibuild/linux_call.h>

static long synchronised(struct ub_exception_frame *frame)
{
    struct ub_file *file = ub_file_get((int)frame->rdi);
    if (file == NULL) {
        return -EBADF;
    }
    long result =
        file->operations->read_at != NULL || file->operations->entries != NULL ? 0 : -EINVAL;
    ub_file_put(file);
    return result;
}

UB_LINUX_CALL(fsync)
{
    return synchronised(frame);
}

UB_LINUX_CALL(fdatasync)
{
    return synchronised(frame);
}

UB_LINUX_CALL(syncfs)
{
    return synchronised(frame);
}

UB_LINUX_CALL(sync)
{
    (void)frame;
    return 0;
}

UB_LINUX_CALL(sync_file_range)
{
    return synchronised(frame);
}
