/* Processors and priorities: there is one of each. */
#include <errno.h>
#include <sched.h>
#include <string.h>

/* Returns how many bytes of the mask were written, as the system call does. */
long ub_sys_sched_getaffinity(long thread, size_t size, void *mask)
{
    (void)thread;
    if (size < sizeof(long) || size % sizeof(long) != 0) {
        return -EINVAL;
    }
    memset(mask, 0, sizeof(long));
    *(unsigned char *)mask = 1;
    return sizeof(long);
}

/* Accepted when processor 0 is among those allowed. */
long ub_sys_sched_setaffinity(long thread, size_t size, const unsigned char *mask)
{
    (void)thread;
    return size > 0 && (mask[0] & 1) ? 0 : -EINVAL;
}

long ub_sys_getcpu(unsigned *processor, unsigned *node)
{
    if (processor != NULL) {
        *processor = 0;
    }
    if (node != NULL) {
        *node = 0;
    }
    return 0;
}

long ub_sys_sched_getscheduler(long thread)
{
    (void)thread;
    return SCHED_OTHER;
}

long ub_sys_sched_getparam(long thread, struct sched_param *parameters)
{
    (void)thread;
    parameters->sched_priority = 0;
    return 0;
}

/* Priorities are told as POSIX wants them told, though no thread can have one. */
static long priority_of(long policy, long realtime)
{
    switch ((int)policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return realtime;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return 0;
    default:
        return -EINVAL;
    }
}

long ub_sys_sched_setscheduler(long thread, long policy, const struct sched_param *parameters)
{
    (void)thread;
    long lowest = priority_of(policy, 1);
    if (lowest < 0) {
        return lowest;
    }
    if (lowest == 0) {
        return parameters->sched_priority == 0 ? 0 : -EINVAL;
    }
    return -EPERM;
}

long ub_sys_sched_setparam(long thread, const struct sched_param *parameters)
{
    (void)thread;
    return parameters->sched_priority == 0 ? 0 : -EINVAL;
}

long ub_sys_sched_get_priority_max(long policy)
{
    return priority_of(policy, 99);
}

long ub_sys_sched_get_priority_min(long policy)
{
    return priority_of(policy, 1);
}

/* The system call answers 20 - nice. */
long ub_sys_getpriority(long which, long who)
{
    (void)which;
    (void)who;
    return 20;
}

long ub_sys_setpriority(long which, long who, long priority)
{
    (void)which;
    (void)who;
    (void)priority;
    return 0;
}
