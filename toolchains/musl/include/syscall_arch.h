/*
 * System calls are symbols: SYS_name is the address of the kernel's function ub_sys_name (see the
 * bits/syscall.h made from the list of numbers), and a system call is a plain C call of it. So each
 * libc function that enters the kernel refers to its entry point by name, and the linker takes from
 * the kernel's archives exactly what the program can reach.
 */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

static __inline long __syscall0(long n)
{
    return ((long (*)(void))n)();
}

static __inline long __syscall1(long n, long a)
{
    return ((long (*)(long))n)(a);
}

static __inline long __syscall2(long n, long a, long b)
{
    return ((long (*)(long, long))n)(a, b);
}

static __inline long __syscall3(long n, long a, long b, long c)
{
    return ((long (*)(long, long, long))n)(a, b, c);
}

static __inline long __syscall4(long n, long a, long b, long c, long d)
{
    return ((long (*)(long, long, long, long))n)(a, b, c, d);
}

static __inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
    return ((long (*)(long, long, long, long, long))n)(a, b, c, d, e);
}

static __inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    return ((long (*)(long, long, long, long, long, long))n)(a, b, c, d, e, f);
}

#define IPC_64 0
