#include <unibuild/file.h>

long ub_sys_pread64(long descriptor, void *buffer, size_t size, int64_t offset)
{
    if (offset < 0) {
        return -EINVAL;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = file->operations->read_at != NULL
                      ? file->operations->read_at(file, buffer, size, offset)
                      : -ESPIPE;
    ub_file_put(file);
    return result;
}
