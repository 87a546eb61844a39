/* What both kinds of sockets share: errors, waiting, addresses, ports. */
#include <fcntl.h>
#include <string.h>

#include "endpoint.h"
#include "lwip/ip.h"

/* The ports that Linux hands out by default (ip_local_port_range). */
#define FIRST_PORT 32768u
#define PORT_COUNT 28232u
#define RANDOM_TRIES 64u

int ub_socket_error(err_t error)
{
    switch (error) {
    case ERR_OK:
        return 0;
    case ERR_MEM:
    case ERR_BUF:
        return -ENOBUFS;
    case ERR_TIMEOUT:
    case ERR_ABRT:
        return -ETIMEDOUT;
    case ERR_RTE:
        return -ENETUNREACH;
    case ERR_INPROGRESS:
        return -EINPROGRESS;
    case ERR_USE:
        return -EADDRINUSE;
    case ERR_ALREADY:
        return -EALREADY;
    case ERR_ISCONN:
        return -EISCONN;
    case ERR_CONN:
    case ERR_CLSD:
        return -ENOTCONN;
    case ERR_RST:
        return -ECONNRESET;
    default:
        return -EINVAL;
    }
}

int ub_socket_type_error(long type)
{
    const long first_unknown = 11; /* as large as Linux's types of sockets are */
    return (type & ~(long)(SOCK_NONBLOCK | SOCK_CLOEXEC)) >= first_unknown || type < 0
               ? -EINVAL
               : -ESOCKTNOSUPPORT;
}

bool ub_socket_may_wait(const struct ub_socket *socket, unsigned flags)
{
    return (flags & MSG_DONTWAIT) == 0 && (socket->file.flags & O_NONBLOCK) == 0;
}

uint64_t ub_socket_deadline(uint64_t timeout)
{
    return timeout == 0 ? UB_CLOCK_NEVER : ub_clock_monotonic() + timeout;
}

/* Only images of Linux programs that handle signals have it. */
#pragma weak ub_signal_no_restart
void ub_signal_no_restart(void);

int ub_socket_wait(struct ub_socket *socket, uint64_t deadline)
{
    if (ub_thread_interrupted()) {
        if (deadline != UB_CLOCK_NEVER && ub_signal_no_restart != NULL) {
            ub_signal_no_restart();
        }
        return -EINTR;
    }
    return ub_network_wait(&socket->file.changes, deadline) == 0 ? 0 : -EAGAIN;
}

/* Who has signals has SIGPIPE. */
#pragma weak ub_signal_broken_pipe
void ub_signal_broken_pipe(void);

long ub_socket_broken(const struct ub_socket_message *message)
{
    if ((message->flags & MSG_NOSIGNAL) == 0 && ub_signal_broken_pipe != NULL) {
        ub_signal_broken_pipe();
    }
    return -EPIPE;
}

int ub_socket_take_error(struct ub_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    return -error;
}

int ub_socket_read_address(const struct ub_socket *socket, const struct sockaddr *from,
                           socklen_t size, struct sockaddr_in *to)
{
    if (socket->operations->domain == AF_NETLINK) {
        *to = (struct sockaddr_in){.sin_family = AF_NETLINK};
        return from != NULL && size >= UB_SOCKET_NETLINK_NAME && from->sa_family == AF_NETLINK
                   ? 0
                   : -EINVAL;
    }
    if (from == NULL || size < sizeof *to) {
        return -EINVAL;
    }
    __builtin_memcpy(to, from, sizeof *to);
    return to->sin_family == AF_INET ? 0 : -EAFNOSUPPORT;
}

void ub_socket_write_address(const struct sockaddr_in *from, struct sockaddr *to, socklen_t *size)
{
    if (to == NULL || size == NULL) {
        return;
    }
    /* The ends of a pair have no more than a family. */
    socklen_t whole = from->sin_family == AF_INET      ? sizeof *from
                      : from->sin_family == AF_NETLINK ? UB_SOCKET_NETLINK_NAME
                                                       : sizeof from->sin_family;
    memcpy(to, from, *size < whole ? *size : whole);
    *size = whole;
}

struct sockaddr_in ub_socket_make_address(const ip_addr_t *address, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = lwip_htons(port),
        .sin_addr.s_addr = ip4_addr_get_u32(ip_2_ip4(address)),
    };
}

ip_addr_t ub_socket_ip(struct in_addr address)
{
    ip_addr_t ip;
    ip_addr_set_ip4_u32_val(ip, address.s_addr);
    return ip;
}

int ub_socket_bind_any(struct ub_socket *socket, const ip_addr_t *address,
                       err_t (*bind)(void *control_block, const ip_addr_t *address, u16_t port))
{
    struct ip_pcb *control_block = socket->operations->control_block(socket);
    /* A port that is shared is asked for by number. */
    u8_t options = control_block->so_options;
    ip_reset_option(control_block, SOF_REUSEADDR);
    unsigned offset = LWIP_RAND() % PORT_COUNT;
    err_t error = ERR_USE;
    for (unsigned i = 0; i < PORT_COUNT && error == ERR_USE; i++) {
        if (i < RANDOM_TRIES) {
            offset = LWIP_RAND() % PORT_COUNT;
        } else {
            offset = (offset + 1) % PORT_COUNT;
        }
        error = bind(control_block, address, (u16_t)(FIRST_PORT + offset));
    }
    control_block->so_options = options;
    return ub_socket_error(error);
}
