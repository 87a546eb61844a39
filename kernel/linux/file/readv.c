#include "transfer.h"

UB_LINUX_CALL(readv)
{
    return ub_transfer_vector((long)frame->rdi, frame->rsi, frame->rdx, UB_STREAM_POSITION,
                              ub_transfer_read);
}
