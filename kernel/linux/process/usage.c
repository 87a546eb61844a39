/* getrusage(2): time, and the most memory that was in use. */
#include <sys/resource.h>

#include <unibuild/linux_call.h>
#include <unibuild/program_memory.h>

#define KIBIBYTES_PER_PAGE 4

long ub_sys_getrusage(long who, struct rusage *usage);

UB_LINUX_CALL(getrusage)
{
    struct rusage usage;
    int who = (int)ub_argument(frame, 0);
    long result = ub_sys_getrusage(who, &usage);
    if (result != 0) {
        return result;
    }
    if (who != RUSAGE_CHILDREN) {
        usage.ru_maxrss = (long)ub_program_sizes().resident_maximum * KIBIBYTES_PER_PAGE;
    }
    /* The C library's structure has more room than the kernel's. */
    size_t size = __builtin_offsetof(struct rusage, __reserved);
    return ub_user_copy_out(ub_argument(frame, 1), &usage, size) ? 0 : -EFAULT;
}
