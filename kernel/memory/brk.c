/* brk: there is no data segment that grows; saying so makes a program's allocator use mmap. */
long ub_sys_brk(long address);

long ub_sys_brk(long address)
{
    (void)address;
    return 0;
}
