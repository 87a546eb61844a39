/* munmap: gives address space and memory back; what is not mapped of the range is no error. */
#include "space.h"

#include <unibuild/linux_call.h>

#include <errno.h>

UB_LINUX_CALL(munmap)
{
    uint64_t start = ub_argument(frame, 0);
    uint64_t size = ub_argument(frame, 1);
    if (!ub_range_valid(start, &size) || size == 0 || start > UB_USER_END - size) {
        return -EINVAL;
    }
    return ub_program_unmap(start, size) ? 0 : -ENOMEM;
}
