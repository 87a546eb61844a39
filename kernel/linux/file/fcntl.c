/* fcntl. Locks are free: there is one process, and its own locks never stand in its way. */
#include <unibuild/file.h>
#include <unibuild/linux_call.h>

long ub_sys_fcntl(long descriptor, long command, unsigned long argument);

/* Of a lock (struct flock: the type comes first). F_GETLK finds none. */
static long lock(long descriptor, long command, uint64_t address)
{
    struct flock request;
    if (!ub_user_copy_in(&request, address, sizeof request)) {
        return -EFAULT;
    }
    if (request.l_type != F_RDLCK && request.l_type != F_WRLCK &&
        (request.l_type != F_UNLCK || command == F_GETLK || command == F_OFD_GETLK)) {
        return -EINVAL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    unsigned access = file->flags & O_ACCMODE;
    ub_file_put(file);
    if (command == F_GETLK || command == F_OFD_GETLK) {
        request.l_type = F_UNLCK;
        return ub_user_copy_out(address, &request, sizeof request) ? 0 : -EFAULT;
    }
    bool may = request.l_type == F_UNLCK || access == O_RDWR ||
               access == (request.l_type == F_RDLCK ? O_RDONLY : O_WRONLY);
    return may ? 0 : -EBADF;
}

/* The capacity of a pipe, which does not change. */
static long pipe_capacity(long descriptor)
{
    struct ub_file *file = ub_file_get(descriptor);
    struct stat status = {0};
    if (file == NULL) {
        return -EBADF;
    }
    bool pipe = file->operations->status != NULL && file->operations->status(file, &status) == 0 &&
                S_ISFIFO(status.st_mode);
    ub_file_put(file);
    return pipe ? UB_PIPE_CAPACITY : -EBADF;
}

UB_LINUX_CALL(fcntl)
{
    long descriptor = (int)frame->rdi;
    switch ((int)frame->rsi) {
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case F_OFD_GETLK:
        return lock(descriptor, (int)frame->rsi, frame->rdx);
    case F_GETPIPE_SZ:
        return pipe_capacity(descriptor);
    case F_SETPIPE_SZ:
        return frame->rdx <= UB_PIPE_CAPACITY ? pipe_capacity(descriptor) : -EPERM;
    default:
        return ub_sys_fcntl(descriptor, (int)frame->rsi, frame->rdx);
    }
}
