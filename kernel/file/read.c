#include <unibuild/file.h>

#include "input.h"

UB_CONSOLE_INPUT_WANTED();

long ub_sys_read(long descriptor, void *buffer, size_t size)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = -EBADF;
    if (file->operations->read != NULL && (file->flags & O_ACCMODE) != O_WRONLY) {
        result = file->operations->read(file, buffer, size);
    }
    ub_file_put(file);
    return ub_thread_serve(result);
}
