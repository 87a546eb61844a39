/* A message to send as its header says. */
#include <unibuild/linux_call.h>

#include "message.h"

long ub_linux_send_header(int descriptor, const struct ub_linux_header *header, unsigned flags)
{
    struct ub_linux_vector vector;
    struct ub_linux_extra extra = {.control_size = header->control_size};
    if (header->control_size > sizeof extra.control) {
        return -ENOBUFS;
    }
    if (!ub_user_copy_in(extra.control, header->control, header->control_size)) {
        return -EFAULT;
    }
    if (header->name != 0) {
        uint32_t size = header->name_size;
        long result = ub_linux_address_in(
            &extra.name, header->name,
            (int)size > (int)UB_LINUX_ADDRESS_MAXIMUM ? UB_LINUX_ADDRESS_MAXIMUM : size);
        if (result != 0) {
            return result;
        }
    }
    long result = ub_linux_vector_in(&vector, header->pieces, header->count);
    if (result == 0) {
        result = ub_linux_send(descriptor, &vector, flags, &extra);
        ub_linux_vector_free(&vector);
    }
    return result;
}
