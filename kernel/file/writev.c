#include <unibuild/file.h>

#include "vector.h"

/* Writes piece after piece until one stays short. */
static long write_pieces(struct ub_file *file, const struct iovec *pieces, long count)
{
    long total = 0;
    for (long i = 0; i < count; i++) {
        if (pieces[i].iov_len == 0) {
            continue;
        }
        long result = file->operations->write(file, pieces[i].iov_base, pieces[i].iov_len);
        if (result < 0) {
            return total > 0 ? total : result;
        }
        total += result;
        if ((size_t)result < pieces[i].iov_len) {
            break;
        }
    }
    return total;
}

long ub_sys_writev(long descriptor, const struct iovec *pieces, long count)
{
    if (!ub_vector_valid(pieces, count)) {
        return -EINVAL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = -EBADF;
    if (file->operations->write != NULL && (file->flags & O_ACCMODE) != O_RDONLY) {
        result = file->operations->write_vector != NULL
                     ? file->operations->write_vector(file, pieces, (size_t)count)
                     : write_pieces(file, pieces, count);
    }
    ub_file_put(file);
    return ub_thread_serve(result);
}
