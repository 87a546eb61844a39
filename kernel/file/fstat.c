#include <string.h>

#include <unibuild/file.h>

long ub_sys_fstat(long descriptor, struct stat *status)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    memset(status, 0, sizeof *status);
    status->st_nlink = 1;
    status->st_blksize = 4096;
    status->st_mode = S_IFCHR | 0600;
    long result = 0;
    if (file->operations->status != NULL) {
        result = file->operations->status(file, status);
    }
    ub_file_put(file);
    return result;
}
