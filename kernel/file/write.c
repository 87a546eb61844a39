#include <unibuild/file.h>

long ub_sys_write(long descriptor, const void *buffer, size_t size)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = -EBADF;
    if (file->operations->write != NULL && (file->flags & O_ACCMODE) != O_RDONLY) {
        result = file->operations->write(file, buffer, size);
    }
    ub_file_put(file);
    return ub_thread_serve(result);
}
