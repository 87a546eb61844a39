/* arch_prctl: the thread pointer of the running thread. */
#include <unibuild/context.h>

#include <errno.h>

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003

long ub_sys_arch_prctl(long code, long address);

long ub_sys_arch_prctl(long code, long address)
{
    switch (code) {
    case ARCH_SET_FS:
        ub_thread_pointer_set((uint64_t)address);
        return 0;
    case ARCH_GET_FS:
        *(uint64_t *)address = ub_thread_pointer_get();
        return 0;
    default:
        return -EINVAL;
    }
}
