/*
 * AF_NETLINK, as far as programs ask for the network interfaces and their addresses with it
 * (getifaddrs, Go's net.Interfaces): NETLINK_ROUTE with dumps of RTM_GETLINK and RTM_GETADDR. Every
 * other dump is empty, every other request is refused, and nothing is ever told unasked. A
 * request's whole answer is one datagram; a socket holds one. Interface 1 is lo, 2 is eth0.
 *
 * Numbers and layouts: netlink(7) and rtnetlink(7).
 */
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <string.h>

#include <unibuild/memory.h>

#include "endpoint.h"
#include "lwip/netif.h"

#define PORT 1u /* of every socket: its process */
#define ROOM 1024u

enum { MESSAGE_ERROR = 2, MESSAGE_DONE = 3, NEW_LINK = 16, GET_LINK = 18, NEW_ADDRESS = 20 };
enum { GET_ADDRESS = 22, REQUEST_LOWEST = 16, FLAG_MULTIPLE = 2, FLAG_DUMP = 0x300 };
enum { LINK_ADDRESS = 1, LINK_BROADCAST = 2, LINK_NAME = 3, LINK_MTU = 4 };
enum { ADDRESS_ADDRESS = 1, ADDRESS_LOCAL = 2, ADDRESS_LABEL = 3, ADDRESS_BROADCAST = 4 };

struct header {
    uint32_t length;
    uint16_t type;
    uint16_t flags;
    uint32_t sequence;
    uint32_t port;
};

struct link {
    uint8_t family;
    uint8_t gap;
    uint16_t type;
    int32_t index;
    uint32_t flags;
    uint32_t change;
};

struct address {
    uint8_t family;
    uint8_t prefix;
    uint8_t flags;
    uint8_t scope;
    uint32_t index;
};

struct name {
    uint16_t family;
    uint16_t gap;
    uint32_t port;
    uint32_t groups;
};

struct netlink {
    struct ub_socket socket; /* first */
    struct header request;
    size_t size; /* of the answer that waits; 0: none */
    _Alignas(4) char answer[ROOM];
};

/* ---- Writing the answer; ROOM is enough for two interfaces ------------------------------------
 */

static void *append(struct netlink *self, const void *bytes, size_t size)
{
    size_t whole = (size + 3) & ~(size_t)3;
    if (whole > ROOM - self->size) {
        return NULL;
    }
    char *at = self->answer + self->size;
    memset(at, 0, whole);
    memcpy(at, bytes, size);
    self->size += whole;
    return at;
}

static struct header *begin(struct netlink *self, uint16_t type, const void *body, size_t size)
{
    struct header header = {
        .type = type, .flags = FLAG_MULTIPLE, .sequence = self->request.sequence, .port = PORT};
    struct header *at = append(self, &header, sizeof header);
    (void)append(self, body, size);
    return at;
}

static void attribute(struct netlink *self, uint16_t type, const void *value, size_t size)
{
    uint16_t head[2] = {(uint16_t)(sizeof head + size), type};
    (void)append(self, head, sizeof head);
    (void)append(self, value, size);
}

static void end(struct netlink *self, struct header *header)
{
    if (header != NULL) {
        header->length = (uint32_t)(self->answer + self->size - (char *)header);
    }
}

static bool is_loopback(const struct netif *interface)
{
    return ip4_addr_isloopback(netif_ip4_addr(interface));
}

static const char *name_of(const struct netif *interface)
{
    return is_loopback(interface) ? "lo" : "eth0";
}

static int index_of(const struct netif *interface)
{
    return is_loopback(interface) ? 1 : 2;
}

static void tell_link(struct netlink *self, const struct netif *interface)
{
    static const uint8_t none[6];
    bool loopback = is_loopback(interface);
    struct link link = {
        .type = loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER,
        .index = index_of(interface),
        .flags = IFF_UP | IFF_RUNNING | (loopback ? IFF_LOOPBACK : IFF_BROADCAST),
    };
    uint32_t mtu = loopback ? UINT16_MAX + 1u : interface->mtu;
    struct header *header = begin(self, NEW_LINK, &link, sizeof link);
    attribute(self, LINK_NAME, name_of(interface), strlen(name_of(interface)) + 1);
    attribute(self, LINK_MTU, &mtu, sizeof mtu);
    attribute(self, LINK_ADDRESS, loopback ? none : interface->hwaddr, sizeof none);
    end(self, header);
}

static void tell_address(struct netlink *self, const struct netif *interface)
{
    uint32_t own = ip4_addr_get_u32(netif_ip4_addr(interface));
    uint32_t mask = ip4_addr_get_u32(netif_ip4_netmask(interface));
    uint32_t broadcast = own | ~mask;
    if (own == 0) {
        return;
    }
    struct address address = {
        .family = AF_INET,
        .prefix = (uint8_t)__builtin_popcount(mask),
        .scope = is_loopback(interface) ? 254 : 0, /* the host, or the world */
        .index = (uint32_t)index_of(interface),
    };
    struct header *header = begin(self, NEW_ADDRESS, &address, sizeof address);
    attribute(self, ADDRESS_ADDRESS, &own, sizeof own);
    attribute(self, ADDRESS_LOCAL, &own, sizeof own);
    if (!is_loopback(interface)) {
        attribute(self, ADDRESS_BROADCAST, &broadcast, sizeof broadcast);
    }
    attribute(self, ADDRESS_LABEL, name_of(interface), strlen(name_of(interface)) + 1);
    end(self, header);
}

static void tell_all(struct netlink *self, void (*tell)(struct netlink *, const struct netif *))
{
    for (int index = 1; index <= 2; index++) {
        struct netif *interface;
        NETIF_FOREACH(interface)
        {
            if (index_of(interface) == index) {
                tell(self, interface);
            }
        }
    }
}

static void reply(struct netlink *self)
{
    const struct header *request = &self->request;
    int32_t result = 0;
    self->size = 0;
    if (request->type < REQUEST_LOWEST) {
        return; /* control messages are not answered */
    }
    if ((request->flags & FLAG_DUMP) != FLAG_DUMP) {
        struct {
            int32_t error;
            struct header request;
        } refusal = {-EOPNOTSUPP, *request};
        end(self, begin(self, MESSAGE_ERROR, &refusal, sizeof refusal));
        return;
    }
    if (request->type == GET_LINK) {
        tell_all(self, tell_link);
    } else if (request->type == GET_ADDRESS) {
        tell_all(self, tell_address);
    }
    end(self, begin(self, MESSAGE_DONE, &result, sizeof result));
}

/* ---- The socket -------------------------------------------------------------------------------
 */

static int bind_socket(struct ub_socket *socket, const ip_addr_t *address, uint16_t port)
{
    (void)socket;
    (void)address;
    (void)port;
    return 0;
}

static long send_request(struct ub_socket *socket, const struct ub_socket_message *message)
{
    struct netlink *self = (struct netlink *)socket;
    struct header request;
    if (message->count == 0 || message->pieces[0].iov_len < sizeof request) {
        return -EINVAL;
    }
    memcpy(&request, message->pieces[0].iov_base, sizeof request);
    if (self->size != 0) {
        return -ENOBUFS;
    }
    self->request = request;
    reply(self);
    ub_file_notify(&socket->file);
    return (long)message->size;
}

static long receive_answer(struct ub_socket *socket, struct ub_socket_message *message)
{
    struct netlink *self = (struct netlink *)socket;
    bool may_wait = ub_socket_may_wait(socket, message->flags);
    uint64_t deadline = may_wait ? ub_socket_deadline(socket->receive_timeout) : 0;
    while (self->size == 0) {
        long result = may_wait ? ub_socket_wait(socket, deadline) : -EAGAIN;
        if (result != 0) {
            return result;
        }
    }
    size_t whole = self->size;
    size_t done = 0;
    for (size_t i = 0; i < message->count && done < whole; i++) {
        size_t room = message->pieces[i].iov_len;
        size_t part = room < whole - done ? room : whole - done;
        memcpy(message->pieces[i].iov_base, self->answer + done, part);
        done += part;
    }
    message->result_flags |= done < whole ? MSG_TRUNC : 0;
    message->peer = (struct sockaddr_in){.sin_family = AF_NETLINK};
    message->peer_valid = true;
    if ((message->flags & MSG_PEEK) == 0) {
        self->size = 0;
    }
    return (long)((message->flags & MSG_TRUNC) != 0 ? whole : done);
}

static int shut(struct ub_socket *socket, int how)
{
    (void)socket;
    (void)how;
    return -EOPNOTSUPP;
}

static unsigned poll_socket(struct ub_socket *socket)
{
    bool answered = ((struct netlink *)socket)->size != 0;
    return POLLOUT | POLLWRNORM | (answered ? POLLIN | POLLRDNORM : 0);
}

static size_t available(struct ub_socket *socket)
{
    return ((struct netlink *)socket)->size;
}

static int name_socket(struct ub_socket *socket, bool peer, struct sockaddr_in *to)
{
    (void)socket;
    struct name name = {.family = AF_NETLINK, .port = peer ? 0 : PORT};
    _Static_assert(sizeof name == UB_SOCKET_NETLINK_NAME, "as ub_socket_write_address has it");
    memcpy(to, &name, sizeof name);
    return 0;
}

static struct ip_pcb *control_block(struct ub_socket *socket)
{
    (void)socket;
    return NULL;
}

static void close_socket(struct ub_socket *socket)
{
    (void)socket;
}

static const struct ub_socket_operations operations = {
    .domain = AF_NETLINK,
    .type = SOCK_RAW,
    .bind = bind_socket,
    .send = send_request,
    .receive = receive_answer,
    .shutdown = shut,
    .poll = poll_socket,
    .available = available,
    .name = name_socket,
    .control_block = control_block,
    .close = close_socket,
};

struct ub_socket *ub_netlink_create(void)
{
    struct netlink *self = ub_heap_allocate_zeroed(sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    ub_socket_initialize(&self->socket, &operations);
    return &self->socket;
}
