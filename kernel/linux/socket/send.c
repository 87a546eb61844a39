/* Sending a message, from the program's pieces through a buffer. */
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include "message.h"

#define SMALL 512U
/* Longer than any socket's buffer for what it sends is by default. */
#define LARGEST_DATAGRAM (256U << 10)

long ub_sys_sendmsg(long descriptor, long header, long flags);
long ub_sys_getsockopt(long descriptor, long level, long name, long to, long size);

static long send_part(int descriptor, void *data, size_t size, unsigned flags,
                      const struct ub_linux_extra *extra)
{
    struct iovec piece = {data, size};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    if (extra->name.size != 0) {
        header.msg_name = (void *)(uintptr_t)extra->name.bytes;
        header.msg_namelen = extra->name.size;
    }
    if (extra->control_size != 0) {
        header.msg_control = (void *)(uintptr_t)extra->control;
        header.msg_controllen = (socklen_t)extra->control_size;
    }
    return ub_sys_sendmsg(descriptor, (long)&header, (long)flags);
}

static long send_parts(int descriptor, const struct ub_linux_vector *vector, void *buffer,
                       size_t room, unsigned flags, const struct ub_linux_extra *extra)
{
    size_t done = 0;
    for (;;) {
        size_t left = vector->size - done;
        size_t part = left < room ? left : room;
        long result = -EFAULT;
        if (ub_linux_gather(vector, done, buffer, part)) {
            unsigned more = part < left ? (unsigned)MSG_MORE : 0;
            result = send_part(descriptor, buffer, part, flags | more, extra);
        }
        if (result < 0) {
            return done != 0 ? (long)done : result;
        }
        done += (size_t)result;
        if ((size_t)result < part || done == vector->size) {
            return (long)done;
        }
    }
}

static long send_small(int descriptor, const struct ub_linux_vector *vector, unsigned flags,
                       const struct ub_linux_extra *extra)
{
    char buffer[SMALL] __attribute__((uninitialized));
    return send_parts(descriptor, vector, buffer, SMALL, flags, extra);
}

/* Datagrams go whole or not at all. */
static bool is_stream(int descriptor)
{
    int type = 0;
    socklen_t size = sizeof type;
    long result = ub_sys_getsockopt(descriptor, SOL_SOCKET, SO_TYPE, (long)&type, (long)&size);
    return result == 0 && type == SOCK_STREAM;
}

long ub_linux_send(int descriptor, const struct ub_linux_vector *vector, unsigned flags,
                   const struct ub_linux_extra *extra)
{
    if (vector->size <= SMALL) {
        return send_small(descriptor, vector, flags, extra);
    }
    size_t room = vector->size;
    if (room > UB_TRANSFER_MAXIMUM) {
        bool stream = is_stream(descriptor);
        if (!stream && room > LARGEST_DATAGRAM) {
            return -EMSGSIZE;
        }
        room = stream ? UB_TRANSFER_MAXIMUM : room;
    }
    void *buffer = ub_heap_allocate(room);
    if (buffer == NULL) {
        return -ENOBUFS;
    }
    long result = send_parts(descriptor, vector, buffer, room, flags, extra);
    ub_heap_free(buffer);
    return result;
}
