/* Resource limits: told as they are; setting them is accepted and ignored. */
#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>

#include <unibuild/memory.h>

#define DESCRIPTORS 4096U      /* kernel/file's UB_FILE_MAXIMUM */
#define MAIN_STACK (1UL << 20) /* kernel/start's STACK_PAGES */

static rlim_t limit_of(long resource)
{
    switch (resource) {
    case RLIMIT_NOFILE:
        return DESCRIPTORS;
    case RLIMIT_STACK:
        return MAIN_STACK;
    case RLIMIT_AS:
    case RLIMIT_DATA:
        return ub_page_total_count() * UB_PAGE_SIZE;
    case RLIMIT_CORE:
    case RLIMIT_FSIZE:
        return 0;
    default:
        return RLIM_INFINITY;
    }
}

long ub_sys_prlimit64(long process, long resource, const struct rlimit *new_limit,
                      struct rlimit *old_limit)
{
    (void)process;
    (void)new_limit;
    if (resource < 0 || resource >= RLIM_NLIMITS) {
        return -EINVAL;
    }
    if (old_limit != NULL) {
        old_limit->rlim_cur = old_limit->rlim_max = limit_of(resource);
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
