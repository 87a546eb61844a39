#include <sys/ioctl.h>

#include <unibuild/file.h>

long ub_sys_ioctl(long descriptor, unsigned long request, unsigned long argument)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = -ENOTTY;
    if ((unsigned)request == FIONBIO) {
        unsigned bit = *(const int *)argument != 0 ? O_NONBLOCK : 0;
        file->flags = (file->flags & ~(unsigned)O_NONBLOCK) | bit;
        result = 0;
    } else if (file->operations->control != NULL) {
        result = file->operations->control(file, (unsigned)request, argument);
    }
    ub_file_put(file);
    return result;
}
