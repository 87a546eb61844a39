/* The list of poll: in, looked at, out. */
#include <unibuild/file.h>
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>
#include <unibuild/poll.h>

#include "wait.h"

#define FEW 32U
/* A longer list than there can be descriptors is refused, as Linux does by its limit of them. */
#define MAXIMUM 65536U

long ub_linux_poll_until(uint64_t address, uint64_t argument, uint64_t deadline)
{
    struct pollfd few[FEW];
    struct pollfd *list = few;
    unsigned count = (unsigned)argument;
    size_t size = count * sizeof *list;
    if (count > MAXIMUM) {
        return -EINVAL;
    }
    if (count > FEW) {
        list = ub_heap_allocate(size);
        if (list == NULL) {
            return -ENOMEM;
        }
    }
    long result = -EFAULT;
    if (ub_user_copy_in(list, address, size)) {
        result = ub_poll(list, count, deadline);
        if (result >= 0 && !ub_user_copy_out(address, list, size)) {
            result = -EFAULT;
        }
    }
    if (list != few) {
        ub_heap_free(list);
    }
    return result;
}
