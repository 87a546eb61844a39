#include <unibuild/process.h>

long ub_sys_umask(long mask);

static int current = 022;

long ub_sys_umask(long mask)
{
    return __atomic_exchange_n(&current, (int)mask & 0777, __ATOMIC_RELAXED);
}

int ub_process_umask(void)
{
    return __atomic_load_n(&current, __ATOMIC_RELAXED);
}
