/* getrusage(2): processor time, all of it counted as the program's own, and the most memory that
 * was in use. */
#include <string.h>
#include <sys/resource.h>

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>
#include <unibuild/program_memory.h>
#include <unibuild/thread.h>

#define KIBIBYTES_PER_PAGE 4
/* Linux's structure; the C library's has more room behind it. */
#define USAGE_SIZE __builtin_offsetof(struct rusage, __reserved)

static struct timeval to_timeval(uint64_t nanoseconds)
{
    return (struct timeval){
        .tv_sec = (time_t)(nanoseconds / UB_NANOSECONDS_PER_SECOND),
        .tv_usec = (suseconds_t)(nanoseconds % UB_NANOSECONDS_PER_SECOND / 1000),
    };
}

UB_LINUX_CALL(getrusage)
{
    struct rusage usage;
    uint64_t ran = 0;
    memset(&usage, 0, sizeof usage);
    switch ((int)ub_argument(frame, 0)) {
    case RUSAGE_SELF:
        ran = ub_program_usage();
        break;
    case RUSAGE_THREAD:
        (void)ub_thread_usage(ub_thread_id(ub_thread_current()), &ran);
        break;
    case RUSAGE_CHILDREN:
        break;
    default:
        return -EINVAL;
    }
    if (ran != 0) {
        usage.ru_utime = to_timeval(ran);
        usage.ru_maxrss = (long)ub_program_sizes().resident_maximum * KIBIBYTES_PER_PAGE;
    }
    return ub_user_copy_out(ub_argument(frame, 1), &usage, USAGE_SIZE) ? 0 : -EFAULT;
}
