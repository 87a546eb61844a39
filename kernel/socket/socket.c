/* socket(2), and sockets as files. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <unibuild/memory.h>

#include "endpoint.h"

#pragma weak ub_netlink_create

static long transfer(struct ub_file *file, const struct iovec *pieces, size_t count, bool sending)
{
    struct ub_socket *socket = (struct ub_socket *)file;
    struct ub_socket_message message = {.pieces = pieces, .count = count};
    for (size_t i = 0; i < count; i++) {
        message.size += pieces[i].iov_len;
    }
    ub_network_lock();
    long result = sending ? socket->operations->send(socket, &message)
                          : socket->operations->receive(socket, &message);
    ub_socket_flush(socket);
    ub_network_unlock();
    return result;
}

static long read_vector(struct ub_file *file, const struct iovec *pieces, size_t count)
{
    return transfer(file, pieces, count, false);
}

static long write_vector(struct ub_file *file, const struct iovec *pieces, size_t count)
{
    return transfer(file, pieces, count, true);
}

static long read_file(struct ub_file *file, void *buffer, size_t size)
{
    struct iovec piece = {buffer, size};
    return transfer(file, &piece, 1, false);
}

static long write_file(struct ub_file *file, const void *buffer, size_t size)
{
    struct iovec piece = {(void *)(uintptr_t)buffer, size};
    return transfer(file, &piece, 1, true);
}

/* A socket that has nothing to read looks at the device before it says so. */
static unsigned poll_file(struct ub_file *file)
{
    struct ub_socket *socket = (struct ub_socket *)file;
    ub_network_lock();
    unsigned ready = socket->operations->poll(socket);
    if ((ready & POLLIN) == 0) {
        ub_network_flush();
        if (ub_network_poll()) {
            ub_network_flush();
            ready = socket->operations->poll(socket);
        }
    }
    ub_network_unlock();
    return ready | (socket->error != 0 ? POLLERR : 0);
}

static long control(struct ub_file *file, unsigned long request, unsigned long argument)
{
    struct ub_socket *socket = (struct ub_socket *)file;
    if (request != FIONREAD) {
        return -ENOTTY;
    }
    ub_network_lock();
    *(int *)argument = (int)socket->operations->available(socket);
    ub_network_unlock();
    return 0;
}

static long status(struct ub_file *file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFSOCK | 0777;
    status->st_blksize = 4096;
    return 0;
}

static void close_file(struct ub_file *file)
{
    struct ub_socket *socket = (struct ub_socket *)file;
    ub_network_lock();
    socket->operations->close(socket);
    ub_network_flush();
    ub_network_unlock();
    ub_heap_free(socket);
}

static const struct ub_file_operations file_operations = {
    .read = read_file,
    .write = write_file,
    .read_vector = read_vector,
    .write_vector = write_vector,
    .poll = poll_file,
    .control = control,
    .status = status,
    .close = close_file,
};

void ub_socket_initialize(struct ub_socket *socket, const struct ub_socket_operations *operations)
{
    *socket = (struct ub_socket){
        .file = {.operations = &file_operations, .flags = O_RDWR, .references = 1},
        .operations = operations,
        .receive_limit = UB_SOCKET_DEFAULT_LIMIT,
        .send_limit = UB_SOCKET_DEFAULT_LIMIT,
    };
}

struct ub_socket *ub_socket_enter(long descriptor, long *error)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        *error = -EBADF;
        return NULL;
    }
    if (file->operations != &file_operations) {
        ub_file_put(file);
        *error = -ENOTSOCK;
        return NULL;
    }
    ub_network_lock();
    return (struct ub_socket *)file;
}

void ub_socket_flush(struct ub_socket *socket)
{
    if (socket->send_more) {
        socket->send_more = false;
        ub_network_flush_soon();
    } else {
        ub_network_flush();
    }
}

long ub_socket_leave(struct ub_socket *socket, long result)
{
    ub_socket_flush(socket);
    ub_network_unlock();
    ub_file_put(&socket->file);
    return ub_thread_serve(result);
}

long ub_sys_socket(long domain, long type, long protocol);
long ub_sys_socket(long domain, long type, long protocol)
{
    unsigned flags = (unsigned)type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    type &= ~(long)(SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct ub_socket *(*create)(void) = type == SOCK_DGRAM ? ub_datagram_create : ub_stream_create;
    if (domain == AF_NETLINK && ub_netlink_create != NULL && protocol == 0) {
        if (type != SOCK_RAW && type != SOCK_DGRAM) {
            return -ESOCKTNOSUPPORT;
        }
        create = ub_netlink_create;
    } else if (domain != AF_INET) {
        return -EAFNOSUPPORT;
    } else if (type != SOCK_DGRAM && type != SOCK_STREAM) {
        return type == SOCK_RAW ? -EPERM : ub_socket_type_error(type);
    } else if (protocol != 0 && protocol != (type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP)) {
        return -EPROTONOSUPPORT;
    }
    ub_network_lock();
    struct ub_socket *socket = create();
    ub_network_unlock();
    if (socket == NULL) {
        return -ENOBUFS;
    }
    socket->file.flags |= flags & SOCK_NONBLOCK ? O_NONBLOCK : 0;
    int descriptor = ub_file_install(&socket->file, flags & SOCK_CLOEXEC ? O_CLOEXEC : 0);
    if (descriptor < 0) {
        ub_file_put(&socket->file);
    }
    return descriptor;
}
