/* setsockopt(2). */
#include <string.h>
#include <sys/time.h>

#include "endpoint.h"
#include "options.h"

#define LIMIT_MINIMUM 2304
#define LIMIT_MAXIMUM 4194304

/* As Linux: doubled for the bookkeeping, within bounds. */
static unsigned limit_of(int value)
{
    if (value < LIMIT_MINIMUM / 2) {
        return LIMIT_MINIMUM;
    }
    return value > LIMIT_MAXIMUM / 2 ? LIMIT_MAXIMUM : (unsigned)value * 2;
}

static int set_timeout(uint64_t *timeout, const void *value, socklen_t size)
{
    struct timeval time;
    if (size < sizeof time) {
        return -EINVAL;
    }
    memcpy(&time, value, sizeof time);
    if (time.tv_usec < 0 || time.tv_usec >= 1000000) {
        return -EDOM;
    }
    *timeout = time.tv_sec < 0 ? 1
                               : (uint64_t)time.tv_sec * UB_NANOSECONDS_PER_SECOND +
                                     (uint64_t)time.tv_usec * 1000;
    return 0;
}

static int set_socket_option(struct ub_socket *socket, int name, int number, const void *value,
                             socklen_t size)
{
    struct ip_pcb *control_block = socket->operations->control_block(socket);
    u8_t bit = ub_socket_option_bit(name);
    if (bit != 0) {
        if (control_block != NULL) {
            control_block->so_options = (u8_t)(number != 0 ? control_block->so_options | bit
                                                           : control_block->so_options & ~bit);
        }
        return 0;
    }
    switch (name) {
    case SO_REUSEPORT:
        socket->reuse_port = number != 0;
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        socket->receive_limit = limit_of(number);
        return 0;
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        socket->send_limit = limit_of(number);
        return 0;
    case SO_RCVTIMEO:
        return set_timeout(&socket->receive_timeout, value, size);
    case SO_SNDTIMEO:
        return set_timeout(&socket->send_timeout, value, size);
    case SO_LINGER:
        if (size < sizeof socket->linger) {
            return -EINVAL;
        }
        memcpy(&socket->linger, value, sizeof socket->linger);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_ip_option(struct ub_socket *socket, int name, int number)
{
    struct ip_pcb *control_block = socket->operations->control_block(socket);
    switch (name) {
    case IP_PKTINFO:
        socket->packet_information = number != 0;
        return 0;
    case IP_TTL:
        if (number < 1 || number > 255) {
            return -EINVAL;
        }
        if (control_block != NULL) {
            control_block->ttl = (u8_t)number;
        }
        return 0;
    case IP_TOS:
        if (control_block != NULL) {
            control_block->tos = (u8_t)number;
        }
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_option(struct ub_socket *socket, int level, int name, const void *value,
                      socklen_t size)
{
    int number;
    if (value == NULL || size < sizeof number) {
        return -EINVAL;
    }
    memcpy(&number, value, sizeof number);
    if (level != SOL_SOCKET && socket->operations->domain != AF_INET) {
        return -EOPNOTSUPP;
    }
    int result = -ENOPROTOOPT;
    switch (level) {
    case SOL_SOCKET:
        result = set_socket_option(socket, name, number, value, size);
        break;
    case IPPROTO_IP:
        result = set_ip_option(socket, name, number);
        break;
    case IPPROTO_TCP:
        result = socket->operations->set_option(socket, name, number);
        if (socket->operations->type != SOCK_STREAM) {
            return result;
        }
        break;
    default:
        break;
    }
    return result != -ENOPROTOOPT ? result : ub_socket_set_ignored(socket, level, name, number);
}

long ub_sys_setsockopt(long descriptor, long level, long name, long value, long size);
long ub_sys_setsockopt(long descriptor, long level, long name, long value, long size)
{
    long result;
    struct ub_socket *socket = ub_socket_enter(descriptor, &result);
    if (socket == NULL) {
        return result;
    }
    result = set_option(socket, (int)level, (int)name, (const void *)value, (socklen_t)size);
    return ub_socket_leave(socket, result);
}
