/* personality(2): kept and told; there is one personality, Linux, and its flags change nothing. */
#include <unibuild/linux_call.h>

#define ASK 0xffffffffU

UB_LINUX_CALL(personality)
{
    static uint32_t current;
    uint32_t wanted = (uint32_t)ub_argument(frame, 0);
    if (wanted == ASK) {
        return __atomic_load_n(&current, __ATOMIC_RELAXED);
    }
    if ((wanted & 0xff) != 0) {
        return -EINVAL;
    }
    return __atomic_exchange_n(&current, wanted, __ATOMIC_RELAXED);
}
