/* Receiving a message, through a buffer into the program's pieces. */
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include "message.h"

#define SMALL 512U

long ub_sys_recvmsg(long descriptor, long header, long flags);

static long receive_part(int descriptor, void *data, size_t size, unsigned flags,
                         struct ub_linux_extra *extra)
{
    struct iovec piece = {data, size};
    struct msghdr header = {
        .msg_name = extra->name.bytes,
        .msg_namelen = sizeof extra->name.bytes,
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = extra->control_size != 0 ? extra->control : NULL,
        .msg_controllen = (socklen_t)extra->control_size,
    };
    long result = ub_sys_recvmsg(descriptor, (long)&header, (long)flags);
    if (result >= 0) {
        extra->name.size = header.msg_namelen;
        extra->control_size = header.msg_controllen;
        extra->flags = (unsigned)header.msg_flags;
    }
    return result;
}

/* What waits for all bytes of a stream goes on, piece after piece; datagrams are one piece. */
static long receive_parts(int descriptor, const struct ub_linux_vector *vector, void *buffer,
                          size_t room, unsigned flags, struct ub_linux_extra *extra)
{
    size_t done = 0;
    for (;;) {
        size_t left = vector->size - done;
        size_t part = left < room ? left : room;
        long result = receive_part(descriptor, buffer, part, flags, extra);
        if (result < 0) {
            return done != 0 ? (long)done : result;
        }
        size_t copied = (size_t)result < part ? (size_t)result : part;
        if (!ub_linux_scatter(vector, done, buffer, copied)) {
            return done != 0 ? (long)done : -EFAULT;
        }
        done += copied;
        bool whole = (flags & MSG_WAITALL) != 0 && extra->name.size == 0;
        if (!whole || copied < part || done == vector->size) {
            return (long)(done - copied) + result;
        }
    }
}

static long receive_small(int descriptor, const struct ub_linux_vector *vector, unsigned flags,
                          struct ub_linux_extra *extra)
{
    char buffer[SMALL] __attribute__((uninitialized));
    return receive_parts(descriptor, vector, buffer, SMALL, flags, extra);
}

long ub_linux_receive(int descriptor, const struct ub_linux_vector *vector, unsigned flags,
                      struct ub_linux_extra *extra)
{
    if (vector->size <= SMALL) {
        return receive_small(descriptor, vector, flags, extra);
    }
    size_t room = vector->size < UB_TRANSFER_MAXIMUM ? vector->size : UB_TRANSFER_MAXIMUM;
    void *buffer = ub_heap_allocate(room);
    if (buffer == NULL) {
        return -ENOBUFS;
    }
    long result = receive_parts(descriptor, vector, buffer, room, flags, extra);
    ub_heap_free(buffer);
    return result;
}
