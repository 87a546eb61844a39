#include "transfer.h"

UB_LINUX_CALL(read)
{
    return ub_transfer_one((long)frame->rdi, frame->rsi, frame->rdx, UB_STREAM_POSITION,
                           ub_transfer_read);
}
