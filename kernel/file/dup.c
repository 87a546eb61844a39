#include "table.h"

long ub_sys_dup(long descriptor)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    int result = ub_file_install_from(file, 0, 0); /* takes over the reference */
    if (result < 0) {
        ub_file_put(file);
    }
    return result;
}
