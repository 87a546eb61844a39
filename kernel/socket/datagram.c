/*
 * UDP sockets.
 *
 * A received datagram waits in the pbuf that it came in. Its queue entry lies where its IP and UDP
 * headers were, directly before the payload: lwIP has read them (there are no IP options: such
 * datagrams are dropped, lwipopts.h), and the entry needs no memory that could run out.
 */
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#include <unibuild/memory.h>

#include "endpoint.h"
#include "lwip/udp.h"

#define HEADERS 28u
#define LARGEST_PAYLOAD 65507u
/* Counted against SO_RCVBUF for each datagram beside its bytes: its share of a buffer. */
#define OVERHEAD 256u
/* How long a sender waits when the device's ring or lwIP's memory is full before it tries again. */
#define RETRY_NS 200000ull

struct entry {
    struct pbuf *next;
    uint32_t source;
    uint32_t destination;
    uint16_t source_port;
} __attribute__((packed));

_Static_assert(sizeof(struct entry) <= HEADERS, "an entry fits where the headers were");

struct datagram {
    struct ub_socket socket; /* first */
    struct udp_pcb *pcb;
    struct pbuf *first;
    struct pbuf *last;
    size_t queued; /* bytes with overhead */
    bool receive_shut;
    bool send_shut;
};

static struct entry *entry_of(const struct pbuf *datagram)
{
    return (struct entry *)((char *)datagram->payload - HEADERS);
}

static void received(void *argument, struct udp_pcb *pcb, struct pbuf *pbuf,
                     const ip_addr_t *source, u16_t port)
{
    (void)pcb;
    struct datagram *self = argument;
    if (pbuf == NULL) {
        /* The peer's host says that nobody has the port (kernel/lwip/unreachable.c). */
        self->socket.error = ECONNREFUSED;
        ub_file_notify(&self->socket.file);
        return;
    }
    size_t cost = pbuf->tot_len + OVERHEAD;
    if (self->receive_shut || self->queued + cost > self->socket.receive_limit) {
        pbuf_free(pbuf);
        return;
    }
    *entry_of(pbuf) = (struct entry){
        .source = ip4_addr_get_u32(ip_2_ip4(source)),
        .destination = ip4_addr_get_u32(ip4_current_dest_addr()),
        .source_port = port,
    };
    if (self->first == NULL) {
        self->first = pbuf;
    } else {
        entry_of(self->last)->next = pbuf;
    }
    self->last = pbuf;
    self->queued += cost;
    ub_file_notify(&self->socket.file);
}

static void remove_first(struct datagram *self)
{
    struct pbuf *pbuf = self->first;
    self->first = entry_of(pbuf)->next;
    self->queued -= pbuf->tot_len + OVERHEAD;
    pbuf_free(pbuf);
}

/* Copies a datagram into the pieces; the bytes copied. */
static size_t copy_out(const struct pbuf *pbuf, const struct ub_socket_message *message)
{
    size_t done = 0;
    for (size_t i = 0; i < message->count && done < pbuf->tot_len; i++) {
        size_t room = message->pieces[i].iov_len;
        size_t left = pbuf->tot_len - done;
        size_t size = room < left ? room : left;
        if (pbuf->next == NULL) {
            memcpy(message->pieces[i].iov_base, (char *)pbuf->payload + done, size);
        } else {
            pbuf_copy_partial(pbuf, message->pieces[i].iov_base, (u16_t)size, (u16_t)done);
        }
        done += size;
    }
    return done;
}

static long datagram_receive(struct ub_socket *socket, struct ub_socket_message *message)
{
    struct datagram *self = (struct datagram *)socket;
    if (self->first == NULL) {
        bool may_wait = ub_socket_may_wait(socket, message->flags);
        uint64_t deadline = may_wait ? ub_socket_deadline(socket->receive_timeout) : 0;
        while (self->first == NULL) {
            if (socket->error != 0) {
                return ub_socket_take_error(socket);
            }
            if (self->receive_shut) {
                return 0;
            }
            if (!may_wait) {
                ub_network_flush();
                if (!ub_network_poll()) {
                    return -EAGAIN;
                }
                continue;
            }
            int result = ub_socket_wait(socket, deadline);
            if (result != 0 && self->first == NULL) {
                return result;
            }
        }
    }
    struct pbuf *pbuf = self->first;
    const struct entry *entry = entry_of(pbuf);
    message->peer = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = lwip_htons(entry->source_port),
        .sin_addr.s_addr = entry->source,
    };
    message->peer_valid = true;
    message->local.s_addr = entry->destination;
    size_t copied = copy_out(pbuf, message);
    size_t whole = pbuf->tot_len;
    if (copied < whole) {
        message->result_flags |= MSG_TRUNC;
    }
    if ((message->flags & MSG_PEEK) == 0) {
        remove_first(self);
    }
    return (long)((message->flags & MSG_TRUNC) != 0 ? whole : copied);
}

static err_t bind_control_block(void *control_block, const ip_addr_t *address, u16_t port)
{
    return udp_bind(control_block, address, port);
}

static int datagram_bind(struct ub_socket *socket, const ip_addr_t *address, uint16_t port)
{
    struct datagram *self = (struct datagram *)socket;
    if (self->pcb->local_port != 0) {
        return -EINVAL;
    }
    if (port == 0) {
        return ub_socket_bind_any(socket, address, bind_control_block);
    }
    return ub_socket_error(udp_bind(self->pcb, address, port));
}

static int bind_when_needed(struct datagram *self)
{
    return self->pcb->local_port != 0 ? 0 : datagram_bind(&self->socket, IP4_ADDR_ANY, 0);
}

/* The message's bytes in one new pbuf with room for all headers. */
static struct pbuf *gather(const struct ub_socket_message *message)
{
    struct pbuf *pbuf = pbuf_alloc(PBUF_TRANSPORT, (u16_t)message->size, PBUF_RAM);
    if (pbuf == NULL) {
        return NULL;
    }
    char *to = pbuf->payload;
    for (size_t i = 0; i < message->count; i++) {
        memcpy(to, message->pieces[i].iov_base, message->pieces[i].iov_len);
        to += message->pieces[i].iov_len;
    }
    return pbuf;
}

/* The one with this address, or the usual one. */
static struct netif *interface_of(const ip_addr_t *address)
{
    struct netif *interface;
    NETIF_FOREACH(interface)
    {
        if (ip_addr_cmp(address, netif_ip_addr4(interface))) {
            return interface;
        }
    }
    return netif_default;
}

static err_t send_once(struct datagram *self, const struct ub_socket_message *message,
                       const struct sockaddr_in *peer)
{
    struct pbuf *pbuf = gather(message);
    if (pbuf == NULL) {
        return ERR_MEM;
    }
    ip_addr_t to = ub_socket_ip(peer->sin_addr);
    u16_t port = lwip_ntohs(peer->sin_port);
    err_t error;
    ip_addr_t from = ub_socket_ip(message->local);
    struct netif *interface = interface_of(&from);
    if (message->local.s_addr != 0 && interface != NULL) {
        error = udp_sendto_if_src(self->pcb, pbuf, &to, port, interface, &from);
    } else {
        error = udp_sendto(self->pcb, pbuf, &to, port);
    }
    pbuf_free(pbuf);
    return error;
}

static int prepare(struct datagram *self, const struct ub_socket_message *message,
                   struct sockaddr_in *peer)
{
    int result =
        self->socket.error != 0 ? ub_socket_take_error(&self->socket) : bind_when_needed(self);
    if (result != 0 || self->send_shut) {
        return result != 0 ? result : (int)ub_socket_broken(message);
    }
    if (message->size > LARGEST_PAYLOAD) {
        return -EMSGSIZE;
    }
    if (message->peer_valid) {
        *peer = message->peer;
    } else if ((self->pcb->flags & UDP_FLAGS_CONNECTED) != 0) {
        *peer = ub_socket_make_address(&self->pcb->remote_ip, self->pcb->remote_port);
    } else {
        return -EDESTADDRREQ;
    }
    return peer->sin_port == 0 ? -EINVAL : 0;
}

static long datagram_send(struct ub_socket *socket, const struct ub_socket_message *message)
{
    struct datagram *self = (struct datagram *)socket;
    struct sockaddr_in peer;
    int result = prepare(self, message, &peer);
    if (result != 0) {
        return result;
    }
    bool may_wait = ub_socket_may_wait(socket, message->flags);
    uint64_t deadline = 0;
    for (;;) {
        err_t error = send_once(self, message, &peer);
        if (error == ERR_OK) {
            /* More datagrams wait: the program most likely answers them too, and the device is told
             * of all of them at once. */
            socket->send_more = self->first != NULL;
            return (long)message->size;
        }
        if (error == ERR_VAL) {
            /* lwIP's answer to a broadcast without SO_BROADCAST, and to a source not ours. */
            return -EACCES;
        }
        if (error != ERR_MEM && error != ERR_BUF && error != ERR_RTE) {
            return ub_socket_error(error);
        }
        if (!may_wait) {
            ub_network_flush();
            return error == ERR_RTE ? -ENETUNREACH : -EAGAIN;
        }
        if (deadline == 0) {
            deadline = ub_socket_deadline(socket->send_timeout);
        }
        if (error == ERR_RTE) {
            /* No route before the interface has its address. */
            result = ub_network_wait_address(0) == -EAGAIN ? ub_network_wait_address(deadline)
                                                           : -ENETUNREACH;
            if (result != 0) {
                return result;
            }
            continue;
        }
        uint64_t retry = ub_clock_monotonic() + RETRY_NS;
        if (retry > deadline) {
            return -EAGAIN;
        }
        if (ub_thread_interrupted()) {
            return -EINTR;
        }
        (void)ub_network_wait(&socket->file.changes, retry);
    }
}

static int datagram_connect(struct ub_socket *socket, const struct sockaddr_in *peer)
{
    struct datagram *self = (struct datagram *)socket;
    if (peer->sin_family == AF_UNSPEC) {
        udp_disconnect(self->pcb);
        return 0;
    }
    int result = bind_when_needed(self);
    if (result != 0) {
        return result;
    }
    ip_addr_t address = ub_socket_ip(peer->sin_addr);
    return ub_socket_error(udp_connect(self->pcb, &address, lwip_ntohs(peer->sin_port)));
}

static int shut(struct ub_socket *socket, int how)
{
    struct datagram *self = (struct datagram *)socket;
    if ((self->pcb->flags & UDP_FLAGS_CONNECTED) == 0) {
        return -ENOTCONN;
    }
    self->receive_shut |= how != SHUT_WR;
    self->send_shut |= how != SHUT_RD;
    ub_file_notify(&socket->file);
    return 0;
}

static unsigned datagram_poll(struct ub_socket *socket)
{
    const struct datagram *self = (struct datagram *)socket;
    unsigned ready = POLLOUT | POLLWRNORM;
    if (self->first != NULL || self->receive_shut) {
        ready |= POLLIN | POLLRDNORM;
    }
    return ready;
}

static size_t available(struct ub_socket *socket)
{
    const struct datagram *self = (struct datagram *)socket;
    return self->first == NULL ? 0 : self->first->tot_len;
}

static int datagram_name(struct ub_socket *socket, bool peer, struct sockaddr_in *name)
{
    const struct udp_pcb *pcb = ((struct datagram *)socket)->pcb;
    bool connected = (pcb->flags & UDP_FLAGS_CONNECTED) != 0;
    if (peer) {
        if (!connected) {
            return -ENOTCONN;
        }
        *name = ub_socket_make_address(&pcb->remote_ip, pcb->remote_port);
        return 0;
    }
    const ip_addr_t *local = &pcb->local_ip;
    if (connected && ip_addr_isany_val(*local) && netif_default != NULL) {
        local = netif_ip_addr4(netif_default);
    }
    *name = ub_socket_make_address(local, pcb->local_port);
    return 0;
}

static int set_option(struct ub_socket *socket, int name, int value)
{
    (void)socket;
    (void)name;
    (void)value;
    return -ENOPROTOOPT;
}

static int get_option(struct ub_socket *socket, int name, int *value)
{
    (void)socket;
    (void)name;
    (void)value;
    return -ENOPROTOOPT;
}

static struct ip_pcb *control_block(struct ub_socket *socket)
{
    return (struct ip_pcb *)((struct datagram *)socket)->pcb;
}

static void datagram_close(struct ub_socket *socket)
{
    struct datagram *self = (struct datagram *)socket;
    udp_remove(self->pcb);
    while (self->first != NULL) {
        remove_first(self);
    }
}

static const struct ub_socket_operations operations = {
    .domain = AF_INET,
    .type = SOCK_DGRAM,
    .bind = datagram_bind,
    .connect = datagram_connect,
    .send = datagram_send,
    .receive = datagram_receive,
    .shutdown = shut,
    .poll = datagram_poll,
    .available = available,
    .name = datagram_name,
    .set_option = set_option,
    .get_option = get_option,
    .control_block = control_block,
    .close = datagram_close,
};

struct ub_socket *ub_datagram_create(void)
{
    struct datagram *self = ub_heap_allocate_zeroed(sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    ub_socket_initialize(&self->socket, &operations);
    self->pcb = udp_new();
    if (self->pcb == NULL) {
        ub_heap_free(self);
        return NULL;
    }
    udp_recv(self->pcb, received, self);
    return &self->socket;
}
