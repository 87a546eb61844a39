/* sched_getattr(2), sched_setattr(2), sched_rr_get_interval(2): every thread is an ordinary one. */
#include <sched.h>
#include <time.h>

#include <unibuild/clock.h>
#include <unibuild/linux_call.h>
#include <unibuild/thread.h>

/* struct sched_attr, as it was first (sched_setattr(2)). */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct attributes) == 48, "SCHED_ATTR_SIZE_VER0");

#define SIZE_MAXIMUM 4096
#define DEADLINE 6

UB_LINUX_CALL(sched_getattr)
{
    struct attributes attributes = {.size = sizeof attributes, .policy = SCHED_OTHER};
    uint64_t to = ub_argument(frame, 1);
    uint32_t size = (uint32_t)ub_argument(frame, 2);
    if ((int)ub_argument(frame, 0) < 0 || to == 0 || size < sizeof attributes ||
        size > SIZE_MAXIMUM || (uint32_t)ub_argument(frame, 3) != 0) {
        return -EINVAL;
    }
    return ub_user_copy_out(to, &attributes, sizeof attributes) ? 0 : -EFAULT;
}

UB_LINUX_CALL(sched_setattr)
{
    struct attributes wanted;
    uint64_t from = ub_argument(frame, 1);
    if ((int)ub_argument(frame, 0) < 0 || from == 0 || (uint32_t)ub_argument(frame, 2) != 0) {
        return -EINVAL;
    }
    if (!ub_user_copy_in(&wanted, from, sizeof wanted)) {
        return -EFAULT;
    }
    switch (wanted.policy) {
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return wanted.priority == 0 ? 0 : -EINVAL;
    case SCHED_FIFO:
    case SCHED_RR:
    case DEADLINE:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

UB_LINUX_CALL(sched_rr_get_interval)
{
    struct timespec slice = {.tv_nsec = UB_THREAD_SLICE_NS};
    int process = (int)ub_argument(frame, 0);
    uint64_t ran;
    if (process < 0) {
        return -EINVAL;
    }
    if (process != 0 && !ub_thread_usage(process, &ran)) {
        return -ESRCH;
    }
    return ub_user_copy_out(ub_argument(frame, 1), &slice, sizeof slice) ? 0 : -EFAULT;
}
