/* Nothing is ever unwritten: accepted and done. */
long ub_sys_sync(void);
long ub_sys_syncfs(long descriptor);
long ub_sys_msync(void *address, unsigned long size, long flags);
long ub_sys_fsync(long descriptor);
long ub_sys_fdatasync(long descriptor);

long ub_sys_sync(void)
{
    return 0;
}

long ub_sys_fsync(long descriptor)
{
    (void)descriptor;
    return 0;
}

long ub_sys_fdatasync(long descriptor)
{
    (void)descriptor;
    return 0;
}

long ub_sys_syncfs(long descriptor)
{
    (void)descriptor;
    return 0;
}

long ub_sys_msync(void *address, unsigned long size, long flags)
{
    (void)address;
    (void)size;
    (void)flags;
    return 0;
}
