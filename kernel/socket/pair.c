/*
 * socketpair(2): two AF_UNIX sockets without names, connected to each other. What one sends waits
 * at the other, in a list of messages (datagrams, SOCK_SEQPACKET) or of pieces (SOCK_STREAM); the
 * network lock guards both ends.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <unibuild/memory.h>

#include "endpoint.h"

/* Of a stream: a longer write becomes several. Takes whole pages of the heap. */
#define LARGEST_PIECE 16000u
/* Counted against SO_SNDBUF for each beside its bytes. */
#define OVERHEAD 256u

struct piece {
    struct piece *next;
    size_t size;
    size_t offset; /* of a stream: bytes that were read */
    char bytes[];
};

struct end {
    struct ub_socket socket; /* first */
    struct end *peer;        /* NULL once it is closed */
    struct piece *first;
    struct piece *last;
    size_t queued;    /* bytes with overhead, of what waits here */
    size_t available; /* the same without overhead, and without what was read */
    bool receive_shut;
    bool send_shut;
    bool told; /* a datagram was refused since the peer is closed */
};

static bool is_stream(const struct end *self)
{
    return self->socket.operations->type == SOCK_STREAM;
}

static void remove_first(struct end *self)
{
    struct piece *piece = self->first;
    self->first = piece->next;
    self->queued -= piece->size + OVERHEAD;
    ub_heap_free(piece);
}

/* Copies bytes [start, start + size) of a message's pieces out of or into `bytes`. */
static void copy(const struct ub_socket_message *message, size_t start, char *bytes, size_t size,
                 bool sending)
{
    size_t position = 0;
    size_t done = 0;
    for (size_t i = 0; i < message->count && done < size; i++) {
        size_t length = message->pieces[i].iov_len;
        if (position + length > start + done) {
            char *there = (char *)message->pieces[i].iov_base + (start + done - position);
            size_t room = position + length - (start + done);
            size_t part = size - done < room ? size - done : room;
            if (sending) {
                memcpy(bytes + done, there, part);
            } else {
                memcpy(there, bytes + done, part);
            }
            done += part;
        }
        position += length;
    }
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* 0 when the peer takes data. The end that a closed peer leaves behind is refused once, and is not
 * connected then. */
static long check_peer(struct end *self, const struct ub_socket_message *message)
{
    if (!is_stream(self) && self->peer == NULL && !self->send_shut) {
        long result = self->told ? -ENOTCONN : -ECONNREFUSED;
        self->told = true;
        return result;
    }
    if (!is_stream(self)) {
        return self->send_shut || self->peer->receive_shut ? -EPIPE : 0;
    }
    bool broken = self->send_shut || self->peer == NULL || self->peer->receive_shut;
    return broken ? ub_socket_broken(message) : 0;
}

/* Queues as much of the message from `start` on as one piece holds. Its bytes, or -EAGAIN. */
static long append(struct end *self, const struct ub_socket_message *message, size_t start)
{
    struct end *to = self->peer;
    size_t size = message->size - start;
    size_t limit = self->socket.send_limit;
    size_t room = to->queued + OVERHEAD < limit ? limit - to->queued - OVERHEAD : 0;
    if (is_stream(self)) {
        size = size < LARGEST_PIECE ? size : LARGEST_PIECE;
        size = size < room ? size : room;
    }
    if (room == 0 || size > room) {
        return -EAGAIN;
    }
    struct piece *piece = ub_heap_allocate(sizeof *piece + size);
    if (piece == NULL) {
        return -ENOBUFS;
    }
    *piece = (struct piece){.size = size};
    copy(message, start, piece->bytes, size, true);
    *(to->first == NULL ? &to->first : &to->last->next) = piece;
    to->last = piece;
    to->queued += size + OVERHEAD;
    to->available += size;
    ub_file_notify(&to->socket.file);
    return (long)size;
}

static long send_message(struct ub_socket *socket, const struct ub_socket_message *message)
{
    struct end *self = (struct end *)socket;
    bool may_wait = ub_socket_may_wait(socket, message->flags);
    uint64_t deadline = may_wait ? ub_socket_deadline(socket->send_timeout) : 0;
    size_t done = 0;
    if (message->peer_valid) {
        return -EISCONN;
    }
    if (!is_stream(self) && message->size + OVERHEAD > socket->send_limit) {
        return -EMSGSIZE;
    }
    for (;;) {
        long result = socket->error != 0 ? ub_socket_take_error(socket) : check_peer(self, message);
        if (result == 0 && is_stream(self) && done == message->size) {
            return (long)done;
        }
        if (result == 0) {
            result = append(self, message, done);
        }
        if (result >= 0) {
            done += (size_t)result;
            if (done == message->size) {
                return (long)done;
            }
            continue;
        }
        if (result == -EAGAIN && may_wait) {
            result = ub_socket_wait(socket, deadline);
        }
        if (result != 0) {
            return done != 0 ? (long)done : result;
        }
    }
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static long take_message(struct end *self, struct ub_socket_message *message)
{
    struct piece *piece = self->first;
    size_t size = piece->size < message->size ? piece->size : message->size;
    size_t whole = piece->size;
    copy(message, 0, piece->bytes, size, false);
    if (size < whole) {
        message->result_flags |= MSG_TRUNC;
    }
    if ((message->flags & MSG_PEEK) == 0) {
        self->available -= whole;
        remove_first(self);
    }
    return (long)((message->flags & MSG_TRUNC) != 0 ? whole : size);
}

static long take_bytes(struct end *self, const struct ub_socket_message *message, size_t start)
{
    size_t done = 0;
    bool peeking = (message->flags & MSG_PEEK) != 0;
    struct piece *piece = self->first;
    while (piece != NULL && start + done < message->size) {
        struct piece *next = piece->next;
        size_t left = piece->size - piece->offset;
        size_t room = message->size - start - done;
        size_t part = left < room ? left : room;
        copy(message, start + done, piece->bytes + piece->offset, part, false);
        done += part;
        if (!peeking) {
            piece->offset += part;
            self->available -= part;
            if (part == left) {
                remove_first(self);
            }
        }
        piece = next;
    }
    return (long)done;
}

static long receive_message(struct ub_socket *socket, struct ub_socket_message *message)
{
    struct end *self = (struct end *)socket;
    bool may_wait = ub_socket_may_wait(socket, message->flags);
    uint64_t deadline = may_wait ? ub_socket_deadline(socket->receive_timeout) : 0;
    bool whole = is_stream(self) && (message->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
    size_t done = 0;
    if (is_stream(self) && message->size == 0) {
        return 0;
    }
    for (;;) {
        if (self->first != NULL) {
            long result =
                is_stream(self) ? take_bytes(self, message, done) : take_message(self, message);
            if (self->peer != NULL) {
                ub_file_notify(&self->peer->socket.file);
            }
            done += (size_t)result;
            if (!whole || done == message->size) {
                return (long)done;
            }
            continue;
        }
        long result = socket->error != 0 ? ub_socket_take_error(socket) : -EAGAIN;
        if (result == -EAGAIN && self->receive_shut) {
            return (long)done;
        }
        if (result == -EAGAIN && may_wait) {
            result = ub_socket_wait(socket, deadline);
        }
        if (result != 0) {
            return done != 0 ? (long)done : result;
        }
    }
}

/* ---- State ---------------------------------------------------------------------------------- */

static void shut(struct end *self, bool receiving, bool sending)
{
    self->receive_shut |= receiving;
    self->send_shut |= sending;
    ub_file_notify(&self->socket.file);
}

static int shutdown_end(struct ub_socket *socket, int how)
{
    struct end *self = (struct end *)socket;
    shut(self, how != SHUT_WR, how != SHUT_RD);
    if (self->peer != NULL && socket->operations->type != SOCK_DGRAM) {
        shut(self->peer, how != SHUT_RD, how != SHUT_WR);
    }
    return 0;
}

static unsigned poll_end(struct ub_socket *socket)
{
    const struct end *self = (struct end *)socket;
    unsigned ready = 0;
    if (self->first != NULL || self->receive_shut) {
        ready |= POLLIN | POLLRDNORM;
    }
    if (self->receive_shut) {
        ready |= POLLRDHUP | (self->send_shut ? POLLHUP : 0);
    }
    /* As on Linux: a sender may have a quarter of its buffer on its way. */
    if (self->peer == NULL || self->peer->queued <= socket->send_limit / 4) {
        ready |= POLLOUT | POLLWRNORM;
    }
    return ready;
}

static size_t available(struct ub_socket *socket)
{
    const struct end *self = (struct end *)socket;
    bool whole = socket->operations->type != SOCK_DGRAM || self->first == NULL;
    return whole ? self->available : self->first->size;
}

static int name_end(struct ub_socket *socket, bool peer, struct sockaddr_in *name)
{
    (void)socket;
    (void)peer;
    *name = (struct sockaddr_in){.sin_family = AF_UNIX};
    return 0;
}

static struct ip_pcb *control_block(struct ub_socket *socket)
{
    (void)socket;
    return NULL;
}

static void close_end(struct ub_socket *socket)
{
    struct end *self = (struct end *)socket;
    struct end *peer = self->peer;
    if (peer != NULL) {
        peer->peer = NULL;
        if (socket->operations->type != SOCK_DGRAM) {
            peer->socket.error = self->first != NULL ? ECONNRESET : peer->socket.error;
            shut(peer, true, true);
        }
        ub_file_notify(&peer->socket.file);
    }
    while (self->first != NULL) {
        remove_first(self);
    }
}

#define OPERATIONS(kind)                                                                           \
    {.domain = AF_UNIX,                                                                            \
     .type = (kind),                                                                               \
     .send = send_message,                                                                         \
     .receive = receive_message,                                                                   \
     .shutdown = shutdown_end,                                                                     \
     .poll = poll_end,                                                                             \
     .available = available,                                                                       \
     .name = name_end,                                                                             \
     .control_block = control_block,                                                               \
     .close = close_end}

static const struct ub_socket_operations kinds[] = {
    OPERATIONS(SOCK_STREAM),
    OPERATIONS(SOCK_DGRAM),
    OPERATIONS(SOCK_SEQPACKET),
};

/* ---- socketpair ----------------------------------------------------------------------------- */

long ub_sys_close(long descriptor);

static struct end *make_end(const struct ub_socket_operations *operations, bool waits)
{
    struct end *self = ub_heap_allocate_zeroed(sizeof *self);
    if (self != NULL) {
        ub_socket_initialize(&self->socket, operations);
        self->socket.file.flags |= waits ? 0 : O_NONBLOCK;
    }
    return self;
}

static const struct ub_socket_operations *kind_of(long type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].type == type) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Connects two ends and gives them descriptors. Takes over both. */
static long install(struct end *one, struct end *other, unsigned flags, int descriptors[2])
{
    one->peer = other;
    other->peer = one;
    int first = ub_file_install(&one->socket.file, flags);
    if (first < 0) {
        ub_file_put(&one->socket.file);
        ub_file_put(&other->socket.file);
        return first;
    }
    int second = ub_file_install(&other->socket.file, flags);
    if (second < 0) {
        ub_file_put(&other->socket.file);
        (void)ub_sys_close(first);
        return second;
    }
    descriptors[0] = first;
    descriptors[1] = second;
    return 0;
}

long ub_sys_socketpair(long domain, long type, long protocol, long descriptors);
long ub_sys_socketpair(long domain, long type, long protocol, long descriptors)
{
    unsigned flags = (unsigned)type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    const struct ub_socket_operations *operations = kind_of((int)type & ~(int)flags);
    if (domain != AF_UNIX) {
        return domain == AF_INET ? -EOPNOTSUPP : -EAFNOSUPPORT;
    }
    if (operations == NULL) {
        return ub_socket_type_error(type);
    }
    if (protocol != 0 && protocol != AF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    bool waits = (flags & SOCK_NONBLOCK) == 0;
    struct end *one = make_end(operations, waits);
    struct end *other = make_end(operations, waits);
    if (one == NULL || other == NULL) {
        ub_heap_free(one);
        ub_heap_free(other);
        return -ENOMEM;
    }
    return install(one, other, (flags & SOCK_CLOEXEC) != 0 ? O_CLOEXEC : 0, (int *)descriptors);
}
