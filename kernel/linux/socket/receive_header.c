/* A message to receive as its header says. */
#include <unibuild/linux_call.h>

#include "message.h"

#define AT(member) offsetof(struct ub_linux_header, member)

/* What came beside the bytes. `header` is as the program gave it, and lies at `at`. */
static long tell(const struct ub_linux_extra *extra, uint64_t at,
                 const struct ub_linux_header *header)
{
    uint64_t control_size = extra->control_size;
    if (header->name != 0) {
        long result = ub_linux_address_out(&extra->name, header->name, at + AT(name_size));
        if (result != 0) {
            return result;
        }
    }
    bool told = ub_user_copy_out(header->control, extra->control, control_size) &&
                ub_user_copy_out(at + AT(control_size), &control_size, sizeof control_size) &&
                ub_user_copy_out(at + AT(flags), &extra->flags, sizeof extra->flags);
    return told ? 0 : -EFAULT;
}

long ub_linux_receive_header(int descriptor, uint64_t at, struct ub_linux_header *header,
                             unsigned flags)
{
    struct ub_linux_vector vector;
    struct ub_linux_extra extra = {.flags = 0};
    if (header->control != 0) {
        extra.control_size = header->control_size < sizeof extra.control ? header->control_size
                                                                         : sizeof extra.control;
    }
    if (header->name != 0 && (int)header->name_size < 0) {
        return -EINVAL;
    }
    long result = ub_linux_vector_in(&vector, header->pieces, header->count);
    if (result != 0) {
        return result;
    }
    result = ub_linux_receive(descriptor, &vector, flags, &extra);
    ub_linux_vector_free(&vector);
    if (result >= 0) {
        long error = tell(&extra, at, header);
        result = error != 0 ? error : result;
    }
    return result;
}
