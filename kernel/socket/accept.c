/* accept(2). */

long ub_sys_accept4(long descriptor, long address, long size, long flags);

long ub_sys_accept(long descriptor, long address, long size);
long ub_sys_accept(long descriptor, long address, long size)
{
    return ub_sys_accept4(descriptor, address, size, 0);
}
