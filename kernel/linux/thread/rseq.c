/* Restartable sequences: refused without a report, for the C library asks at each start and does
 * without. */
#include <unibuild/linux_call.h>

UB_LINUX_CALL(rseq)
{
    (void)frame;
    return -ENOSYS;
}
