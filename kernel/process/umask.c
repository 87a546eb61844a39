long ub_sys_umask(long mask);

long ub_sys_umask(long mask)
{
    static int current = 022;
    return __atomic_exchange_n(&current, (int)mask & 0777, __ATOMIC_RELAXED);
}
