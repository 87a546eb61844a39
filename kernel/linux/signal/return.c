/* rt_sigreturn(2): a handler has returned; the registers of before are on the stack. */
#include <signal.h>

#include <unibuild/linux_call.h>

#include "signals.h"

UB_LINUX_CALL(rt_sigreturn)
{
    uint64_t mask;
    /* The handler's own return has taken the return address. */
    bool sound = ub_signal_frame_pop(frame, frame->stack_pointer - sizeof(uint64_t), &mask);
    frame->vector = VECTOR_NONE; /* every register goes back as it is */
    if (!sound) {
        const struct signal_information bad_frame = {.signal = SIGSEGV, .code = SI_KERNEL};
        (void)ub_user_frame_check(frame);
        ub_signal_force(frame, &bad_frame);
    } else {
        ub_signal_mask_set(mask);
    }
    return (long)frame->rax;
}
