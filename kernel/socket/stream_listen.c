/*
 * TCP sockets: listening and accepting.
 *
 * A connection counts against its listener's backlog from its first segment until it is accepted;
 * lwIP drops what goes beyond, so that a flood of connections has a bound.
 */
#include <unibuild/memory.h>

#include "stream.h"

#define BACKLOG_LIMIT 128

static err_t arrived(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct stream *self = argument;
    if (error != ERR_OK || pcb == NULL || self == NULL) {
        return ERR_VAL;
    }
    struct stream *connection = ub_stream_allocate(pcb);
    if (connection == NULL) {
        return ERR_MEM;
    }
    connection->state = STREAM_CONNECTED;
    connection->local = ub_socket_make_address(&pcb->local_ip, pcb->local_port);
    connection->peer = ub_socket_make_address(&pcb->remote_ip, pcb->remote_port);
    connection->backlogged = true;
    connection->socket.receive_limit = self->socket.receive_limit;
    connection->socket.send_limit = self->socket.send_limit;
    connection->socket.receive_timeout = self->socket.receive_timeout;
    connection->socket.send_timeout = self->socket.send_timeout;
    connection->socket.linger = self->socket.linger;
    if (self->no_delay) {
        connection->no_delay = true;
        tcp_nagle_disable(pcb);
    }
    ub_stream_bound_segments(pcb);
    tcp_backlog_delayed(pcb);
    ub_stream_attach(connection);
    if (self->accept_first == NULL) {
        self->accept_first = connection;
    } else {
        self->accept_last->accept_next = connection;
    }
    self->accept_last = connection;
    ub_file_notify(&self->socket.file);
    return ERR_OK;
}

int ub_stream_listen(struct ub_socket *socket, int backlog)
{
    struct stream *self = (struct stream *)socket;
    if (backlog < 1 || backlog > BACKLOG_LIMIT) {
        backlog = backlog < 1 ? 1 : BACKLOG_LIMIT;
    }
    if (self->state == STREAM_LISTENING) {
        tcp_backlog_set(self->pcb, (u8_t)backlog);
        return 0;
    }
    if (self->state != STREAM_FRESH || self->pcb == NULL) {
        return -EINVAL;
    }
    if (self->pcb->local_port == 0) {
        int result = socket->operations->bind(socket, IP4_ADDR_ANY, 0);
        if (result != 0) {
            return result;
        }
    }
    err_t error = ERR_OK;
    struct tcp_pcb *listener = tcp_listen_with_backlog_and_err(self->pcb, (u8_t)backlog, &error);
    if (listener == NULL) {
        return ub_socket_error(error);
    }
    self->pcb = listener;
    self->state = STREAM_LISTENING;
    socket->listening = true;
    tcp_arg(listener, self);
    tcp_accept(listener, arrived);
    return 0;
}

static struct stream *take_connection(struct stream *self)
{
    struct stream *connection = self->accept_first;
    if (connection != NULL) {
        self->accept_first = connection->accept_next;
        connection->accept_next = NULL;
        if (connection->backlogged) {
            connection->backlogged = false;
            tcp_backlog_accepted(connection->pcb);
        }
    }
    return connection;
}

int ub_stream_accept(struct ub_socket *socket, struct ub_socket **connection)
{
    struct stream *self = (struct stream *)socket;
    if (self->state != STREAM_LISTENING) {
        return -EINVAL;
    }
    bool may_wait = ub_socket_may_wait(socket, 0);
    uint64_t deadline = may_wait ? ub_socket_deadline(socket->receive_timeout) : 0;
    while (self->accept_first == NULL) {
        if (self->receive_shut) {
            return -EINVAL;
        }
        if (may_wait) {
            int result = ub_socket_wait(socket, deadline);
            if (result != 0 && self->accept_first == NULL) {
                return result;
            }
        } else {
            ub_network_flush();
            if (!ub_network_poll()) {
                return -EAGAIN;
            }
        }
    }
    *connection = &take_connection(self)->socket;
    return 0;
}

void ub_stream_drop_backlog(struct stream *self)
{
    struct stream *connection;
    while ((connection = take_connection(self)) != NULL) {
        connection->socket.linger = (struct linger){.l_onoff = 1};
        connection->socket.operations->close(&connection->socket);
        ub_heap_free(connection);
    }
}
