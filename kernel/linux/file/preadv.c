/* preadv and preadv2. The offset is in the fourth argument alone; the fifth is for 32 bits. */
#include "transfer.h"
#include "vector_flags.h"

UB_LINUX_CALL(preadv)
{
    int64_t offset = (int64_t)frame->r10;
    return offset < 0 ? -EINVAL
                      : ub_transfer_vector((long)frame->rdi, frame->rsi, frame->rdx, offset,
                                           ub_transfer_read);
}

UB_LINUX_CALL(preadv2)
{
    int64_t offset = (int64_t)frame->r10;
    if (offset < -1) {
        return -EINVAL;
    }
    if ((frame->r9 & ~(uint64_t)UB_VECTOR_FLAGS_IGNORED) != 0) {
        return -EOPNOTSUPP;
    }
    return ub_transfer_vector((long)frame->rdi, frame->rsi, frame->rdx, offset, ub_transfer_read);
}
