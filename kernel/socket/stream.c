/*
 * TCP sockets: creation, names, connecting, ending.
 *
 * lwIP owns the control block and may free it at any time it runs (a reset, a timeout); it says so
 * through `failed`, after which `pcb` is NULL. What was received before stays readable.
 */
#include <poll.h>

#include <unibuild/memory.h>

#include "stream.h"

#include "lwip/priv/tcp_priv.h"

/* A lost SYN is sent again after a second (RFC 6298, section 2.1), in ticks of lwIP's slow timer.
 */
#define FIRST_TIMEOUT (1000 / TCP_SLOW_INTERVAL)

static void failed(void *argument, err_t error)
{
    struct stream *self = argument;
    self->pcb = NULL;
    self->backlogged = false;
    if (self->state == STREAM_CONNECTING && error == ERR_RST) {
        self->socket.error = ECONNREFUSED;
    } else if (error != ERR_CLSD) {
        /* ERR_CLSD: both sides have closed, in order. */
        self->socket.error = -ub_socket_error(error);
    }
    self->peer_closed = true;
    ub_file_notify(&self->socket.file);
}

static err_t connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    (void)error;
    struct stream *self = argument;
    ub_stream_bound_segments(pcb);
    self->state = STREAM_CONNECTED;
    ub_file_notify(&self->socket.file);
    return ERR_OK;
}

void ub_stream_attach(struct stream *self)
{
    tcp_arg(self->pcb, self);
    tcp_recv(self->pcb, ub_stream_received);
    tcp_sent(self->pcb, ub_stream_sent);
    tcp_err(self->pcb, failed);
}

void ub_stream_detach(struct stream *self)
{
    tcp_arg(self->pcb, NULL);
    tcp_recv(self->pcb, NULL);
    tcp_sent(self->pcb, NULL);
    tcp_err(self->pcb, NULL);
    tcp_poll(self->pcb, NULL, 0);
}

static err_t bind_control_block(void *control_block, const ip_addr_t *address, u16_t port)
{
    return tcp_bind(control_block, address, port);
}

static int stream_bind(struct ub_socket *socket, const ip_addr_t *address, uint16_t port)
{
    struct stream *self = (struct stream *)socket;
    if (self->state != STREAM_FRESH || self->pcb == NULL || self->pcb->local_port != 0) {
        return -EINVAL;
    }
    if (port == 0) {
        return ub_socket_bind_any(socket, address, bind_control_block);
    }
    return ub_socket_error(tcp_bind(self->pcb, address, port));
}

static int start_connecting(struct stream *self, const struct sockaddr_in *peer)
{
    if (self->pcb == NULL) {
        return -EINVAL;
    }
    ip_addr_t address = ub_socket_ip(peer->sin_addr);
    int result = 0;
    if (!ip_addr_isloopback(&address)) {
        bool may_wait = ub_socket_may_wait(&self->socket, 0);
        result =
            ub_network_wait_address(may_wait ? ub_socket_deadline(self->socket.send_timeout) : 0);
    }
    if (result != 0) {
        return result == -EAGAIN ? -ENETUNREACH : result;
    }
    if (self->pcb == NULL || self->state != STREAM_FRESH) {
        return -EALREADY; /* another thread was faster during the wait */
    }
    if (self->pcb->local_port == 0) {
        result = stream_bind(&self->socket, IP4_ADDR_ANY, 0);
        if (result != 0) {
            return result;
        }
    }
    err_t error = tcp_connect(self->pcb, &address, lwip_ntohs(peer->sin_port), connected);
    if (error != ERR_OK) {
        return ub_socket_error(error);
    }
    self->pcb->rto = self->pcb->sv = FIRST_TIMEOUT;
    self->state = STREAM_CONNECTING;
    self->untold = true;
    self->peer = *peer;
    self->local = ub_socket_make_address(&self->pcb->local_ip, self->pcb->local_port);
    return 0;
}

static int stream_connect(struct ub_socket *socket, const struct sockaddr_in *peer)
{
    struct stream *self = (struct stream *)socket;
    if (peer->sin_family != AF_INET) {
        return -EAFNOSUPPORT;
    }
    switch (self->state) {
    case STREAM_CONNECTED:
        if (self->socket.error == 0 && self->untold) {
            self->untold = false;
            return 0;
        }
        return self->socket.error != 0 ? ub_socket_take_error(socket) : -EISCONN;
    case STREAM_LISTENING:
        return -EISCONN;
    case STREAM_CONNECTING:
        if (!ub_socket_may_wait(socket, 0) && self->pcb != NULL) {
            return -EALREADY;
        }
        break;
    default: {
        int result = start_connecting(self, peer);
        if (result != 0) {
            return result;
        }
        if (!ub_socket_may_wait(socket, 0)) {
            return -EINPROGRESS;
        }
        break;
    }
    }
    uint64_t deadline = ub_socket_deadline(socket->send_timeout);
    while (self->state == STREAM_CONNECTING && self->pcb != NULL) {
        int result = ub_socket_wait(socket, deadline);
        if (result != 0 && self->state == STREAM_CONNECTING) {
            return result == -EINTR ? result : -EINPROGRESS;
        }
    }
    if (self->pcb == NULL) {
        /* The socket may try again. */
        self->pcb = tcp_new();
        if (self->pcb != NULL) {
            ub_stream_attach(self);
            self->state = STREAM_FRESH;
            self->peer_closed = false;
        }
    }
    self->untold = false;
    return ub_socket_take_error(socket);
}

static int stream_shutdown(struct ub_socket *socket, int how)
{
    struct stream *self = (struct stream *)socket;
    if (self->state == STREAM_LISTENING) {
        self->receive_shut |= how != SHUT_WR;
        ub_file_notify(&socket->file);
        return 0;
    }
    if (self->state != STREAM_CONNECTED || self->pcb == NULL) {
        return -ENOTCONN;
    }
    if (how != SHUT_WR) {
        self->receive_shut = true;
    }
    if (how != SHUT_RD && !self->send_shut) {
        self->send_shut = true;
        /* Only the sending side is lwIP's: shutting both would free the control block. */
        err_t error = tcp_shutdown(self->pcb, 0, 1);
        if (error != ERR_OK) {
            return ub_socket_error(error);
        }
    }
    ub_file_notify(&socket->file);
    return 0;
}

static unsigned poll_listening(const struct stream *self)
{
    return self->accept_first != NULL || self->receive_shut ? POLLIN | POLLRDNORM : 0;
}

static unsigned stream_poll(struct ub_socket *socket)
{
    struct stream *self = (struct stream *)socket;
    switch (self->state) {
    case STREAM_LISTENING:
        return poll_listening(self);
    case STREAM_FRESH:
        return POLLOUT | POLLWRNORM | POLLHUP;
    case STREAM_CONNECTING:
        return self->pcb == NULL ? POLLIN | POLLOUT | POLLHUP | POLLERR : 0;
    default:
        break;
    }
    unsigned ready = 0;
    bool ended = self->peer_closed || self->receive_shut;
    if (self->received != 0 || ended) {
        ready |= POLLIN | POLLRDNORM;
    }
    if (ended) {
        ready |= POLLRDHUP;
    }
    if (self->pcb == NULL || (ended && self->send_shut)) {
        ready |= POLLHUP;
    }
    bool writable =
        self->pcb != NULL && tcp_sndbuf(self->pcb) >= UB_STREAM_WRITABLE && !self->starved;
    if (self->pcb == NULL || self->send_shut || writable) {
        ready |= POLLOUT | POLLWRNORM;
    } else {
        self->wants_room = true;
    }
    return ready;
}

static int stream_name(struct ub_socket *socket, bool peer, struct sockaddr_in *name)
{
    const struct stream *self = (struct stream *)socket;
    bool connection = self->state == STREAM_CONNECTED || self->state == STREAM_CONNECTING;
    if (peer) {
        if (self->state != STREAM_CONNECTED || self->pcb == NULL) {
            return -ENOTCONN;
        }
        *name = self->peer;
    } else if (connection) {
        *name = self->local;
    } else if (self->pcb != NULL) {
        *name = ub_socket_make_address(&self->pcb->local_ip, self->pcb->local_port);
    } else {
        return -EINVAL;
    }
    return 0;
}

static struct ip_pcb *stream_control_block(struct ub_socket *socket)
{
    return (struct ip_pcb *)((struct stream *)socket)->pcb;
}

static void stream_close(struct ub_socket *socket)
{
    struct stream *self = (struct stream *)socket;
    ub_stream_drop_backlog(self);
    if (self->pcb != NULL && self->state == STREAM_LISTENING) {
        tcp_arg(self->pcb, NULL);
        tcp_close(self->pcb);
    } else if (self->pcb != NULL) {
        if (self->backlogged) {
            tcp_backlog_accepted(self->pcb);
        }
        ub_stream_detach(self);
        /* A peer that never acknowledges the end must not keep others out: lwIP ends connections of
         * least priority when it needs a control block. */
        tcp_setprio(self->pcb, TCP_PRIO_MIN);
        bool reset = socket->linger.l_onoff != 0 && socket->linger.l_linger == 0;
        /* What was not read makes lwIP answer with a reset, as it should (RFC 2525, 2.17). */
        if (reset || tcp_close(self->pcb) != ERR_OK) {
            tcp_abort(self->pcb);
        }
    }
    self->pcb = NULL;
    ub_stream_drop_received(self);
}

static const struct ub_socket_operations operations = {
    .domain = AF_INET,
    .type = SOCK_STREAM,
    .bind = stream_bind,
    .connect = stream_connect,
    .listen = ub_stream_listen,
    .accept = ub_stream_accept,
    .send = ub_stream_send,
    .receive = ub_stream_receive,
    .shutdown = stream_shutdown,
    .poll = stream_poll,
    .available = ub_stream_available,
    .name = stream_name,
    .set_option = ub_stream_set_option,
    .get_option = ub_stream_get_option,
    .control_block = stream_control_block,
    .close = stream_close,
};

struct stream *ub_stream_allocate(struct tcp_pcb *pcb)
{
    struct stream *self = ub_heap_allocate_zeroed(sizeof *self);
    if (self != NULL) {
        ub_socket_initialize(&self->socket, &operations);
        self->pcb = pcb;
    }
    return self;
}

struct ub_socket *ub_stream_create(void)
{
    struct stream *self = ub_stream_allocate(NULL);
    if (self == NULL) {
        return NULL;
    }
    self->pcb = tcp_new();
    if (self->pcb == NULL) {
        ub_heap_free(self);
        return NULL;
    }
    ub_stream_attach(self);
    return &self->socket;
}
