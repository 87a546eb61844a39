/* arch_prctl(2): the bases of FS and GS. */
#include <unibuild/context.h>
#include <unibuild/linux_call.h>

#define SET_GS 0x1001
#define SET_FS 0x1002
#define GET_FS 0x1003
#define GET_GS 0x1004

UB_LINUX_CALL(arch_prctl)
{
    uint64_t address = ub_argument(frame, 1);
    uint64_t base;
    switch ((int)ub_argument(frame, 0)) {
    case SET_FS:
        if (address >= UB_USER_END) {
            return -EPERM;
        }
        ub_thread_pointer_set(address);
        return 0;
    case SET_GS:
        return ub_user_gs_base_set(address) ? 0 : -EPERM;
    case GET_FS:
        base = ub_thread_pointer_get();
        break;
    case GET_GS:
        base = ub_user_gs_base_get();
        break;
    default:
        return -EINVAL;
    }
    return ub_user_copy_out(address, &base, sizeof base) ? 0 : -EFAULT;
}
