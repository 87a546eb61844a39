/* memfd_create: a file of the file system in memory that has no name. Seals are not there. */
#include <sys/mman.h>

#include <unibuild/linux_call.h>
#include <unibuild/tmpfs.h>

#define NAME_MAXIMUM 250U /* with its NUL */

UB_LINUX_CALL(memfd_create)
{
    char name[NAME_MAXIMUM];
    uint32_t flags = (uint32_t)frame->rsi;
    if ((flags & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0) {
        return -EINVAL;
    }
    long length = ub_user_string_in(name, frame->rdi, sizeof name);
    if (length < 0) {
        return length == -ENAMETOOLONG ? -EINVAL : length;
    }
    struct ub_file *file = ub_tmpfs_open_unnamed();
    if (file == NULL) {
        return -ENOMEM;
    }
    int descriptor = ub_file_install(file, (flags & MFD_CLOEXEC) ? O_CLOEXEC : 0);
    if (descriptor < 0) {
        ub_file_put(file);
    }
    return descriptor;
}
