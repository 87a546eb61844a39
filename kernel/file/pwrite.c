#include <unibuild/file.h>

#include "vector.h"

/* The file with a reference, when it may be written at an offset. */
static long writable(long descriptor, int64_t offset, struct ub_file **file)
{
    *file = ub_file_get(descriptor);
    if (*file == NULL) {
        return -EBADF;
    }
    const struct ub_file_operations *operations = (*file)->operations;
    long result = operations->write_at == NULL ? -ESPIPE : 0;
    if (operations->write == NULL || ((*file)->flags & O_ACCMODE) == O_RDONLY) {
        result = -EBADF;
    } else if (offset < 0) {
        result = -EINVAL;
    }
    if (result != 0) {
        ub_file_put(*file);
    }
    return result;
}

long ub_sys_pwrite64(long descriptor, const void *buffer, size_t size, int64_t offset)
{
    struct ub_file *file;
    long result = writable(descriptor, offset, &file);
    if (result == 0) {
        result = file->operations->write_at(file, buffer, size, offset);
        ub_file_put(file);
    }
    return result;
}

long ub_sys_pwritev(long descriptor, const struct iovec *pieces, long count, int64_t offset)
{
    struct ub_file *file;
    if (!ub_vector_valid(pieces, count)) {
        return -EINVAL;
    }
    long total = writable(descriptor, offset, &file);
    if (total != 0) {
        return total;
    }
    for (long i = 0; i < count; i++) {
        long result =
            file->operations->write_at(file, pieces[i].iov_base, pieces[i].iov_len, offset + total);
        if (result < 0) {
            total = total > 0 ? total : result;
            break;
        }
        total += result;
        if ((size_t)result < pieces[i].iov_len) {
            break;
        }
    }
    ub_file_put(file);
    return total;
}
