/* TCP sockets: bytes in and out, and the options of level IPPROTO_TCP. */
#include <netinet/tcp.h>
#include <string.h>

#include "stream.h"
#include "lwip/priv/tcp_priv.h"

/* How long a sender waits for lwIP's memory before it tries again. */
#define RETRY_NS 5000000ull
#define LARGEST_WRITE 0xffffu
/* The same for a sender that waits elsewhere, in lwIP's units of half a second. */
#define RETRY_POLL 1
#define MILLISECONDS 1000

err_t ub_stream_received(void *argument, struct tcp_pcb *pcb, struct pbuf *pbuf, err_t error)
{
    (void)error;
    struct stream *self = argument;
    if (pbuf == NULL) {
        self->peer_closed = true;
        if (self->send_shut) {
            /* Both sides have closed: lwIP frees the control block without a word some time later.
             */
            ub_stream_detach(self);
            self->pcb = NULL;
        }
        ub_file_notify(&self->socket.file);
        return ERR_OK;
    }
    if (self->receive_shut) {
        tcp_recved(pcb, pbuf->tot_len);
        pbuf_free(pbuf);
        return ERR_OK;
    }
    self->received += pbuf->tot_len;
    if (self->first == NULL) {
        self->first = pbuf;
    } else {
        self->last->next = pbuf;
    }
    while (pbuf->next != NULL) {
        pbuf = pbuf->next;
    }
    self->last = pbuf;
    ub_file_notify(&self->socket.file);
    return ERR_OK;
}

/*
 * lwIP's memory for segments is shared. A stream that finds it used up by others while it has
 * nothing in flight itself gets no acknowledgement to wait for: it is told when any other stream's
 * data has been acknowledged, and after a while in any case.
 */
static bool anybody_starved;

static void feed(struct stream *self)
{
    if (self != NULL && self->starved) {
        self->starved = false;
        ub_file_notify(&self->socket.file);
    }
}

static err_t feed_later(void *argument, struct tcp_pcb *pcb)
{
    tcp_poll(pcb, NULL, 0);
    feed(argument);
    return ERR_OK;
}

static void feed_all(void)
{
    anybody_starved = false;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        feed(pcb->callback_arg);
    }
}

/* Room that nobody waits for is no news: most acknowledgements wake no one. */
err_t ub_stream_sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
    (void)length;
    struct stream *self = argument;
    if (self->wants_room && tcp_sndbuf(pcb) >= UB_STREAM_WRITABLE) {
        self->wants_room = false;
        ub_file_notify(&self->socket.file);
    }
    if (anybody_starved) {
        feed_all();
    }
    return ERR_OK;
}

/* Takes the first pbuf off the chain. */
static void drop_first(struct stream *self)
{
    struct pbuf *pbuf = self->first;
    self->first = pbuf->next;
    self->offset = 0;
    pbuf->next = NULL;
    pbuf->tot_len = pbuf->len;
    pbuf_free(pbuf);
}

void ub_stream_drop_received(struct stream *self)
{
    while (self->first != NULL) {
        drop_first(self);
    }
    self->received = 0;
}

size_t ub_stream_available(struct ub_socket *socket)
{
    return ((struct stream *)socket)->received;
}

/* Reads up to `size` bytes; they stay when peeking, and `skip` bytes are passed over then. */
static size_t consume(struct stream *self, char *to, size_t size)
{
    size_t done = 0;
    while (done < size && self->first != NULL) {
        struct pbuf *pbuf = self->first;
        size_t left = pbuf->len - self->offset;
        size_t part = size - done < left ? size - done : left;
        memcpy(to + done, (char *)pbuf->payload + self->offset, part);
        done += part;
        self->offset += part;
        if (self->offset == pbuf->len) {
            drop_first(self);
        }
    }
    self->received -= done;
    return done;
}

static size_t peek(const struct stream *self, char *to, size_t size, size_t skip)
{
    size_t done = 0;
    size_t offset = self->offset + skip;
    for (const struct pbuf *pbuf = self->first; pbuf != NULL && done < size; pbuf = pbuf->next) {
        if (offset >= pbuf->len) {
            offset -= pbuf->len;
            continue;
        }
        size_t left = pbuf->len - offset;
        size_t part = size - done < left ? size - done : left;
        memcpy(to + done, (char *)pbuf->payload + offset, part);
        done += part;
        offset = 0;
    }
    return done;
}

static void open_window(struct stream *self, size_t size)
{
    while (size > 0 && self->pcb != NULL) {
        u16_t part = (u16_t)(size < LARGEST_WRITE ? size : LARGEST_WRITE);
        tcp_recved(self->pcb, part);
        size -= part;
    }
}

/* Copies what is there into the message's pieces from byte `start` of the message on. */
static size_t take(struct stream *self, const struct ub_socket_message *message, size_t start)
{
    bool peeking = (message->flags & MSG_PEEK) != 0;
    size_t position = 0;
    size_t done = 0;
    for (size_t i = 0; i < message->count; i++) {
        size_t length = message->pieces[i].iov_len;
        if (position + length > start + done) {
            size_t inside = start + done - position;
            char *to = (char *)message->pieces[i].iov_base + inside;
            size_t got = peeking ? peek(self, to, length - inside, start + done)
                                 : consume(self, to, length - inside);
            done += got;
            if (got < length - inside) {
                break;
            }
        }
        position += length;
    }
    if (!peeking) {
        open_window(self, done);
    }
    return done;
}

long ub_stream_receive(struct ub_socket *socket, struct ub_socket_message *message)
{
    struct stream *self = (struct stream *)socket;
    if (self->state != STREAM_CONNECTED) {
        return self->socket.error != 0 ? ub_socket_take_error(socket) : -ENOTCONN;
    }
    bool may_wait = ub_socket_may_wait(socket, message->flags);
    bool whole = (message->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
    uint64_t deadline = may_wait ? ub_socket_deadline(socket->receive_timeout) : 0;
    size_t done = 0;
    while (done < message->size) {
        if (self->received != 0) {
            done += take(self, message, done);
            if (!whole) {
                break;
            }
            continue;
        }
        if (done == 0 && socket->error != 0) {
            return ub_socket_take_error(socket);
        }
        if (self->peer_closed || self->receive_shut) {
            break;
        }
        if (!may_wait) {
            ub_network_flush();
            if (ub_network_poll()) {
                continue;
            }
            return done != 0 ? (long)done : -EAGAIN;
        }
        int result = ub_socket_wait(socket, deadline);
        if (result != 0 && self->received == 0) {
            return done != 0 ? (long)done : result;
        }
    }
    return (long)done;
}

/* Hands lwIP as much of the message from byte `start` on as it takes; the bytes taken. */
static size_t enqueue(struct stream *self, const struct ub_socket_message *message, size_t start)
{
    size_t position = 0;
    size_t done = 0;
    for (size_t i = 0; i < message->count; i++) {
        size_t length = message->pieces[i].iov_len;
        while (position + length > start + done) {
            size_t inside = start + done - position;
            size_t room = tcp_sndbuf(self->pcb);
            size_t size = length - inside;
            size = size < room ? size : room;
            size = size < LARGEST_WRITE ? size : LARGEST_WRITE;
            bool more = start + done + size < message->size || (message->flags & MSG_MORE) != 0;
            u8_t how = (u8_t)(TCP_WRITE_FLAG_COPY | (more ? TCP_WRITE_FLAG_MORE : 0));
            const char *from = (const char *)message->pieces[i].iov_base + inside;
            if (size == 0 || ub_lwip_memory_scarce() ||
                tcp_write(self->pcb, from, (u16_t)size, how) != ERR_OK) {
                return done;
            }
            done += size;
        }
        position += length;
    }
    return done;
}

/* What does not fill a segment stays while the program says that more follows; lwIP's timer sends
 * it after half a second at the latest. */
static void output(struct stream *self, const struct ub_socket_message *message)
{
    bool hold = self->corked || (message->flags & MSG_MORE) != 0;
    const struct tcp_seg *unsent = self->pcb->unsent;
    if (!hold || (unsent != NULL && unsent->next != NULL)) {
        tcp_output(self->pcb);
    }
}

long ub_stream_send(struct ub_socket *socket, const struct ub_socket_message *message)
{
    struct stream *self = (struct stream *)socket;
    bool may_wait = ub_socket_may_wait(socket, message->flags);
    uint64_t deadline = may_wait ? ub_socket_deadline(socket->send_timeout) : 0;
    size_t done = 0;
    for (;;) {
        if (done == 0 && socket->error != 0) {
            return ub_socket_take_error(socket);
        }
        if (self->state != STREAM_CONNECTED || self->pcb == NULL || self->send_shut) {
            return done != 0 ? (long)done : ub_socket_broken(message);
        }
        done += enqueue(self, message, done);
        output(self, message);
        if (done == message->size) {
            return (long)done;
        }
        self->wants_room = true;
        if (!may_wait) {
            if (tcp_sndqueuelen(self->pcb) == 0) {
                self->starved = anybody_starved = true;
                tcp_poll(self->pcb, feed_later, RETRY_POLL);
            }
            return done != 0 ? (long)done : -EAGAIN;
        }
        /* An acknowledgement wakes; where none is outstanding, memory was short: look again. */
        uint64_t retry =
            tcp_sndqueuelen(self->pcb) != 0 ? deadline : ub_clock_monotonic() + RETRY_NS;
        int result = ub_socket_wait(socket, retry < deadline ? retry : deadline);
        if (result == -EINTR || (result != 0 && retry >= deadline)) {
            return done != 0 ? (long)done : result;
        }
    }
}

int ub_stream_set_option(struct ub_socket *socket, int name, int value)
{
    struct stream *self = (struct stream *)socket;
    struct tcp_pcb *pcb = self->state == STREAM_LISTENING ? NULL : self->pcb;
    if (name == TCP_NODELAY) {
        self->no_delay = value != 0;
        if (pcb != NULL && value != 0) {
            tcp_nagle_disable(pcb);
            tcp_output(pcb);
        } else if (pcb != NULL) {
            tcp_nagle_enable(pcb);
        }
        return 0;
    }
    if (name == TCP_CORK) {
        self->corked = value != 0;
        if (pcb != NULL && value == 0) {
            tcp_output(pcb);
        }
        return 0;
    }
    if (name != TCP_KEEPIDLE && name != TCP_KEEPINTVL && name != TCP_KEEPCNT) {
        return -ENOPROTOOPT;
    }
    if (value < 1 || value > 32767) {
        return -EINVAL;
    }
    if (pcb != NULL) {
        u32_t *field = name == TCP_KEEPIDLE    ? &pcb->keep_idle
                       : name == TCP_KEEPINTVL ? &pcb->keep_intvl
                                               : &pcb->keep_cnt;
        *field = (u32_t)value * (name == TCP_KEEPCNT ? 1 : MILLISECONDS);
    }
    return 0;
}

int ub_stream_get_option(struct ub_socket *socket, int name, int *value)
{
    struct stream *self = (struct stream *)socket;
    const struct tcp_pcb *pcb = self->state == STREAM_LISTENING ? NULL : self->pcb;
    switch (name) {
    case TCP_NODELAY:
        *value = self->no_delay;
        return 0;
    case TCP_CORK:
        *value = self->corked;
        return 0;
    case TCP_MAXSEG:
        *value = pcb != NULL ? tcp_mss(pcb) : TCP_MSS;
        return 0;
    case TCP_KEEPIDLE:
        *value = pcb != NULL ? (int)(pcb->keep_idle / MILLISECONDS) : 7200;
        return 0;
    case TCP_KEEPINTVL:
        *value = pcb != NULL ? (int)(pcb->keep_intvl / MILLISECONDS) : 75;
        return 0;
    case TCP_KEEPCNT:
        *value = pcb != NULL ? (int)pcb->keep_cnt : 9;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}
