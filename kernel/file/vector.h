/* Inside kernel/file: checks shared by readv and writev. */
#ifndef UNIBUILD_FILE_VECTOR_H
#define UNIBUILD_FILE_VECTOR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/uio.h>

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

/* At most IOV_MAX pieces, whose lengths add up to less than SSIZE_MAX. */
static inline bool ub_vector_valid(const struct iovec *pieces, long count)
{
    size_t total = 0;
    if (count < 0 || count > IOV_MAX) {
        return false;
    }
    for (long i = 0; i < count; i++) {
        if (pieces[i].iov_len > (size_t)LONG_MAX - total) {
            return false;
        }
        total += pieces[i].iov_len;
    }
    return true;
}

#endif
