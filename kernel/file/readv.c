#include <poll.h>

#include <unibuild/file.h>

#include "input.h"
#include "vector.h"

UB_CONSOLE_INPUT_WANTED();

/* Fills piece after piece until one stays short. */
static long read_pieces(struct ub_file *file, const struct iovec *pieces, long count)
{
    long total = 0;
    for (long i = 0; i < count; i++) {
        if (pieces[i].iov_len == 0) {
            continue;
        }
        long result = file->operations->read(file, pieces[i].iov_base, pieces[i].iov_len);
        if (result < 0) {
            return total > 0 ? total : result;
        }
        total += result;
        if ((size_t)result < pieces[i].iov_len) {
            break;
        }
        /* The next piece must not block for data that a short read would not have waited for. */
        if (file->operations->poll != NULL && !(file->operations->poll(file) & POLLIN)) {
            break;
        }
    }
    return total;
}

long ub_sys_readv(long descriptor, const struct iovec *pieces, long count)
{
    if (!ub_vector_valid(pieces, count)) {
        return -EINVAL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = -EBADF;
    if (file->operations->read != NULL && (file->flags & O_ACCMODE) != O_WRONLY) {
        result = file->operations->read_vector != NULL
                     ? file->operations->read_vector(file, pieces, (size_t)count)
                     : read_pieces(file, pieces, count);
    }
    ub_file_put(file);
    return ub_thread_serve(result);
}
