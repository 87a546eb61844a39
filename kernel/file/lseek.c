#include <unibuild/file.h>

long ub_sys_lseek(long descriptor, int64_t offset, long whence)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = file->operations->seek != NULL ? file->operations->seek(file, offset, (int)whence)
                                                 : -ESPIPE;
    ub_file_put(file);
    return result;
}
