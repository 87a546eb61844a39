/* The machine and the system. */
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <unibuild/linux_call.h>

UB_LINUX_SHAPED(uname, ub_sys_uname, {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(struct utsname)})

long ub_sys_sysinfo(struct sysinfo *information);

/* The C library's structure has more room than the kernel's, which ends where that begins. */
UB_LINUX_CALL(sysinfo)
{
    struct sysinfo information;
    ub_sys_sysinfo(&information);
    size_t size = (__builtin_offsetof(struct sysinfo, __reserved) + 7) & ~7UL;
    return ub_user_copy_out(ub_argument(frame, 0), &information, size) ? 0 : -EFAULT;
}
