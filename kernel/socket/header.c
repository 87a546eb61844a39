/* struct msghdr, and the one control message that is understood: IP_PKTINFO. */
#include <limits.h>
#include <string.h>

#include "endpoint.h"

#define PIECES_LIMIT 1024

/* Reads the source address that the sender asks for; other control messages are refused. */
static int read_control(const struct msghdr *header, struct ub_socket_message *message)
{
    const char *control = header->msg_control;
    size_t left = header->msg_controllen;
    while (control != NULL && left >= sizeof(struct cmsghdr)) {
        struct cmsghdr entry;
        memcpy(&entry, control, sizeof entry);
        if (entry.cmsg_len < sizeof entry || entry.cmsg_len > left ||
            entry.cmsg_level != IPPROTO_IP || entry.cmsg_type != IP_PKTINFO ||
            entry.cmsg_len < CMSG_LEN(sizeof(struct in_pktinfo))) {
            return -EINVAL;
        }
        struct in_pktinfo information;
        memcpy(&information, control + sizeof entry, sizeof information);
        message->local = information.ipi_spec_dst;
        size_t step = CMSG_ALIGN(entry.cmsg_len);
        if (step >= left) {
            break;
        }
        control += step;
        left -= step;
    }
    return 0;
}

int ub_socket_read_header(const struct ub_socket *socket, const struct msghdr *header,
                          unsigned flags, bool sending, struct ub_socket_message *message)
{
    if (header->msg_iovlen < 0 || header->msg_iovlen > PIECES_LIMIT) {
        return -EMSGSIZE;
    }
    *message = (struct ub_socket_message){
        .pieces = header->msg_iov,
        .count = (size_t)header->msg_iovlen,
        .flags = flags,
    };
    for (size_t i = 0; i < message->count; i++) {
        if (__builtin_add_overflow(message->size, message->pieces[i].iov_len, &message->size) ||
            message->size > SSIZE_MAX) {
            return -EINVAL;
        }
    }
    if (!sending) {
        return 0;
    }
    if (header->msg_name != NULL && header->msg_namelen != 0) {
        message->peer_valid = true;
        int result =
            ub_socket_read_address(socket, header->msg_name, header->msg_namelen, &message->peer);
        if (result != 0) {
            return result;
        }
    }
    return read_control(header, message);
}

void ub_socket_write_header(const struct ub_socket *socket, const struct ub_socket_message *message,
                            struct msghdr *header)
{
    if (message->peer_valid) {
        ub_socket_write_address(&message->peer, header->msg_name, &header->msg_namelen);
    } else {
        header->msg_namelen = 0;
    }
    header->msg_flags = (int)message->result_flags;
    size_t room = header->msg_controllen;
    header->msg_controllen = 0;
    if (!socket->packet_information || !message->peer_valid || header->msg_control == NULL) {
        return;
    }
    struct in_pktinfo information = {1, message->local, message->local};
    struct cmsghdr entry = {
        .cmsg_len = CMSG_LEN(sizeof information),
        .cmsg_level = IPPROTO_IP,
        .cmsg_type = IP_PKTINFO,
    };
    if (room < entry.cmsg_len) {
        header->msg_flags |= MSG_CTRUNC;
        return;
    }
    memcpy(header->msg_control, &entry, sizeof entry);
    memcpy((char *)header->msg_control + sizeof entry, &information, sizeof information);
    header->msg_controllen =
        (socklen_t)(room < CMSG_SPACE(sizeof information) ? entry.cmsg_len
                                                          : CMSG_SPACE(sizeof information));
}

long ub_socket_send_header(struct ub_socket *socket, const struct msghdr *header, unsigned flags)
{
    struct ub_socket_message message;
    long result = ub_socket_read_header(socket, header, flags, true, &message);
    return result != 0 ? result : socket->operations->send(socket, &message);
}

long ub_socket_receive_header(struct ub_socket *socket, struct msghdr *header, unsigned flags)
{
    struct ub_socket_message message;
    long result = ub_socket_read_header(socket, header, flags, false, &message);
    if (result == 0) {
        result = socket->operations->receive(socket, &message);
        if (result >= 0) {
            ub_socket_write_header(socket, &message, header);
        }
    }
    return result;
}
