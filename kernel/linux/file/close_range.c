#include <unibuild/file.h>
#include <unibuild/linux_call.h>

#define CLOSE_RANGE_UNSHARE 2U /* the table is nobody else's */
#define CLOSE_RANGE_CLOEXEC 4U

long ub_sys_close(long descriptor);
long ub_sys_fcntl(long descriptor, long command, unsigned long argument);

UB_LINUX_CALL(close_range)
{
    uint32_t first = (uint32_t)frame->rdi;
    uint32_t last = (uint32_t)frame->rsi;
    uint32_t flags = (uint32_t)frame->rdx;
    if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last) {
        return -EINVAL;
    }
    uint32_t end = ub_file_descriptors_end();
    for (uint32_t descriptor = first; descriptor <= last && descriptor < end; descriptor++) {
        if (flags & CLOSE_RANGE_CLOEXEC) {
            (void)ub_sys_fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        } else {
            (void)ub_sys_close(descriptor);
        }
    }
    return 0;
}
