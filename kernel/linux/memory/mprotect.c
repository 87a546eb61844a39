/* mprotect: never writable and executable, never executable what was writable (-EACCES). */
#include "space.h"

#include <unibuild/linux_call.h>

#include <errno.h>
#include <sys/mman.h>

#define PROTECTION_SEM 8UL /* Linux: PROT_SEM, without meaning here as there */

UB_LINUX_CALL(mprotect)
{
    uint64_t start = ub_argument(frame, 0);
    uint64_t size = ub_argument(frame, 1);
    uint64_t protection = ub_argument(frame, 2);
    if (!ub_range_valid(start, &size) || (protection & ~(UB_ACCESS_MASK | PROTECTION_SEM)) != 0) {
        return -EINVAL;
    }
    if (size == 0) {
        return 0;
    }
    if (start > UB_USER_END - size) {
        return -ENOMEM;
    }
    return ub_space_protect(start, size, protection & UB_ACCESS_MASK);
}
