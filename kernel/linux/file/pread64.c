#include "transfer.h"

UB_LINUX_CALL(pread64)
{
    int64_t offset = (int64_t)frame->r10;
    return offset < 0 ? -EINVAL
                      : ub_transfer_one((long)frame->rdi, frame->rsi, frame->rdx, offset,
                                        ub_transfer_read);
}
