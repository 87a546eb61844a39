/* getsockopt(2). */
#include <string.h>
#include <sys/time.h>

#include "endpoint.h"
#include "options.h"

/* An option's value: a number, or something larger. */
struct value {
    union {
        int number;
        struct timeval time;
        struct linger linger;
    };
    socklen_t size;
};

static void get_timeout(uint64_t timeout, struct value *value)
{
    value->time.tv_sec = (time_t)(timeout / UB_NANOSECONDS_PER_SECOND);
    value->time.tv_usec = (suseconds_t)(timeout % UB_NANOSECONDS_PER_SECOND / 1000);
    value->size = sizeof value->time;
}

static int get_socket_option(struct ub_socket *socket, int name, struct value *value)
{
    const struct ip_pcb *control_block = socket->operations->control_block(socket);
    u8_t bit = ub_socket_option_bit(name);
    if (bit != 0) {
        value->number = control_block != NULL && (control_block->so_options & bit) != 0;
        return 0;
    }
    switch (name) {
    case SO_TYPE:
        value->number = socket->operations->type;
        return 0;
    case SO_DOMAIN:
        value->number = socket->operations->domain;
        return 0;
    case SO_PROTOCOL:
        value->number = socket->operations->domain != AF_INET    ? 0
                        : socket->operations->type == SOCK_DGRAM ? IPPROTO_UDP
                                                                 : IPPROTO_TCP;
        return 0;
    case SO_ERROR:
        value->number = -ub_socket_take_error(socket);
        return 0;
    case SO_ACCEPTCONN:
        value->number = socket->listening;
        return 0;
    case SO_REUSEPORT:
        value->number = socket->reuse_port;
        return 0;
    case SO_RCVBUF:
        value->number = (int)socket->receive_limit;
        return 0;
    case SO_SNDBUF:
        value->number = (int)socket->send_limit;
        return 0;
    case SO_RCVTIMEO:
        get_timeout(socket->receive_timeout, value);
        return 0;
    case SO_SNDTIMEO:
        get_timeout(socket->send_timeout, value);
        return 0;
    case SO_LINGER:
        value->linger = socket->linger;
        value->size = sizeof value->linger;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_ip_option(struct ub_socket *socket, int name, struct value *value)
{
    const struct ip_pcb *control_block = socket->operations->control_block(socket);
    switch (name) {
    case IP_PKTINFO:
        value->number = socket->packet_information;
        return 0;
    case IP_TTL:
        value->number = control_block != NULL ? control_block->ttl : 0;
        return 0;
    case IP_TOS:
        value->number = control_block != NULL ? control_block->tos : 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_option(struct ub_socket *socket, int level, int name, struct value *value)
{
    if (level != SOL_SOCKET && socket->operations->domain != AF_INET) {
        return -EOPNOTSUPP;
    }
    int result = -ENOPROTOOPT;
    switch (level) {
    case SOL_SOCKET:
        result = get_socket_option(socket, name, value);
        break;
    case IPPROTO_IP:
        result = get_ip_option(socket, name, value);
        break;
    case IPPROTO_TCP:
        result = socket->operations->get_option(socket, name, &value->number);
        if (socket->operations->type != SOCK_STREAM) {
            return result;
        }
        break;
    default:
        break;
    }
    return result != -ENOPROTOOPT ? result
                                  : ub_socket_get_ignored(socket, level, name, &value->number);
}

long ub_sys_getsockopt(long descriptor, long level, long name, long to, long size);
long ub_sys_getsockopt(long descriptor, long level, long name, long to, long size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    struct value value = {.size = sizeof(int)};
    result = get_option(socket, (int)level, (int)name, &value);
    if (result == 0) {
        socklen_t *room = (socklen_t *)size;
        *room = *room < value.size ? *room : value.size;
        memcpy((void *)to, &value, *room);
    }
    return ub_socket_leave(socket, result);
}
