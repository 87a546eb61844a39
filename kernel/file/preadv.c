#include <unibuild/file.h>

#include "vector.h"

long ub_sys_preadv(long descriptor, const struct iovec *pieces, long count, long offset_low,
                   long offset_high)
{
    (void)offset_high; /* always zero on 64-bit */
    if (!ub_vector_valid(pieces, count) || offset_low < 0) {
        return -EINVAL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long total = file->operations->read_at != NULL ? 0 : -ESPIPE;
    for (long i = 0; total >= 0 && i < count; i++) {
        long result = file->operations->read_at(file, pieces[i].iov_base, pieces[i].iov_len,
                                                offset_low + total);
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
