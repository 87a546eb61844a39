/* pwritev and pwritev2; see preadv.c. */
#include "transfer.h"
#include "vector_flags.h"

UB_LINUX_CALL(pwritev)
{
    int64_t offset = (int64_t)frame->r10;
    return offset < 0 ? -EINVAL
                      : ub_transfer_vector((long)frame->rdi, frame->rsi, frame->rdx, offset,
                                           ub_transfer_write);
}

UB_LINUX_CALL(pwritev2)
{
    int64_t offset = (int64_t)frame->r10;
    if (offset < -1) {
        return -EINVAL;
    }
    if ((frame->r9 & ~(uint64_t)UB_VECTOR_FLAGS_IGNORED) != 0) {
        return -EOPNOTSUPP;
    }
    return ub_transfer_vector((long)frame->rdi, frame->rsi, frame->rdx, offset, ub_transfer_write);
}
