/* Accepted and ignored: advice about access, and locks against other processes (there are none). */
#include <unibuild/file.h>

static long ignore(long descriptor)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    ub_file_put(file);
    return 0;
}

long ub_sys_fadvise64(long descriptor, int64_t offset, int64_t size, long advice)
{
    (void)offset;
    (void)size;
    (void)advice;
    return ignore(descriptor);
}

long ub_sys_flock(long descriptor, long operation)
{
    (void)operation;
    return ignore(descriptor);
}
