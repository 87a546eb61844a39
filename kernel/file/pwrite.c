/* Files are read-only and everything else is a stream: there is nothing to write at an offset. */
#include <unibuild/file.h>

long ub_sys_pwrite64(long descriptor, const void *buffer, size_t size, int64_t offset)
{
    (void)buffer;
    (void)size;
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = -ESPIPE;
    if (file->operations->write == NULL || (file->flags & O_ACCMODE) == O_RDONLY) {
        result = -EBADF;
    } else if (offset < 0) {
        result = -EINVAL;
    }
    ub_file_put(file);
    return result;
}

long ub_sys_pwritev(long descriptor, const struct iovec *pieces, long count, int64_t offset)
{
    (void)pieces;
    (void)count;
    return ub_sys_pwrite64(descriptor, NULL, 0, offset);
}
