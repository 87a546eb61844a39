/*
 * Resource limits: kept and told. What can be limited by them is limited already, by the kernel's
 * own tables and by memory, so that setting one changes what is told and nothing else.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include <unibuild/image.h>
#include <unibuild/lock.h>
#include <unibuild/process.h>

#define DESCRIPTORS 4096U /* kernel/file's UB_FILE_MAXIMUM */
#define DESCRIPTORS_HIGHEST (1UL << 20)

static struct ub_lock lock = UB_LOCK_INITIAL;
static struct rlimit limits[RLIM_NLIMITS];
static bool prepared;

/* What Linux gives its first process, but for the sizes that are the kernel's own. */
static void prepare(void)
{
    if (prepared) {
        return;
    }
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    }
    limits[RLIMIT_NOFILE] = (struct rlimit){DESCRIPTORS, DESCRIPTORS};
    limits[RLIMIT_STACK].rlim_cur = ub_program_stack_size;
    limits[RLIMIT_CORE].rlim_cur = 0;
    limits[RLIMIT_NICE] = limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
    prepared = true;
}

long ub_sys_prlimit64(long process, long resource, const struct rlimit *new_limit,
                      struct rlimit *old_limit)
{
    if (resource < 0 || resource >= RLIM_NLIMITS ||
        (new_limit != NULL && new_limit->rlim_cur > new_limit->rlim_max)) {
        return -EINVAL;
    }
    if ((int)process != 0 && (int)process != UB_PROCESS_ID) {
        return -ESRCH;
    }
    if (new_limit != NULL && resource == RLIMIT_NOFILE &&
        new_limit->rlim_max > DESCRIPTORS_HIGHEST) {
        return -EPERM;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    prepare();
    struct rlimit old = limits[resource];
    if (new_limit != NULL) {
        limits[resource] = *new_limit;
    }
    ub_lock_release(&lock, flags);
    if (old_limit != NULL) {
        *old_limit = old;
    }
    return 0;
}

long ub_sys_getrlimit(long resource, struct rlimit *limit)
{
    return ub_sys_prlimit64(0, resource, NULL, limit);
}

long ub_sys_setrlimit(long resource, const struct rlimit *limit)
{
    return ub_sys_prlimit64(0, resource, limit, NULL);
}
