/* Socket addresses in and out. */
#include <unibuild/linux_call.h>

#include "address.h"

long ub_linux_address_in(struct ub_linux_address *address, uint64_t from, uint64_t size)
{
    address->size = (socklen_t)size;
    if (address->size > UB_LINUX_ADDRESS_MAXIMUM) {
        return -EINVAL;
    }
    return ub_user_copy_in(address->bytes, from, address->size) ? 0 : -EFAULT;
}

long ub_linux_address_out(const struct ub_linux_address *address, uint64_t to, uint64_t size)
{
    int room;
    if (to == 0) {
        return 0;
    }
    if (!ub_user_copy_in(&room, size, sizeof room)) {
        return -EFAULT;
    }
    if (room < 0) {
        return -EINVAL;
    }
    size_t part = (unsigned)room < address->size ? (unsigned)room : address->size;
    bool copied = ub_user_copy_out(to, address->bytes, part) &&
                  ub_user_copy_out(size, &address->size, sizeof address->size);
    return copied ? 0 : -EFAULT;
}

long ub_linux_name(const struct ub_exception_frame *frame, ub_linux_name_call *call)
{
    struct ub_linux_address name = {.size = sizeof name.bytes};
    long result = call((int)ub_argument(frame, 0), (long)name.bytes, (long)&name.size);
    if (result != 0) {
        return result;
    }
    return ub_argument(frame, 1) == 0
               ? -EFAULT
               : ub_linux_address_out(&name, ub_argument(frame, 1), ub_argument(frame, 2));
}
