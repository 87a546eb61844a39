/* Socket addresses between the program and the kernel. */
#ifndef UNIBUILD_LINUX_SOCKET_ADDRESS_H
#define UNIBUILD_LINUX_SOCKET_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

/* Any address that a socket may have. */
#define UB_LINUX_ADDRESS_MAXIMUM 128U

struct ub_linux_address {
    _Alignas(8) char bytes[UB_LINUX_ADDRESS_MAXIMUM];
    socklen_t size; /* 0: none */
};

/* `size` as the program gave it. 0, -EINVAL or -EFAULT. */
long ub_linux_address_in(struct ub_linux_address *address, uint64_t from, uint64_t size);

/* Cut at what the program has room for, which is the number at `size`; the whole size becomes that
 * number. No address `to` is no wish for it. 0, -EINVAL or -EFAULT. */
long ub_linux_address_out(const struct ub_linux_address *address, uint64_t to, uint64_t size);

/* For the entry points below, which ask for a name in the same way. */
typedef long ub_linux_name_call(long descriptor, long address, long size);
struct ub_exception_frame;
long ub_linux_name(const struct ub_exception_frame *frame, ub_linux_name_call *call);

#endif
