/*
 * A socket inside the component: a file, what kind it is, and what its kind can do.
 *
 * Every operation of a kind is called with the network lock held, and may let go of it while it
 * waits (ub_socket_wait). Results are counts or 0, or negated error numbers.
 */
#ifndef UNIBUILD_SOCKET_ENDPOINT_H
#define UNIBUILD_SOCKET_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <unibuild/clock.h>
#include <unibuild/file.h>
#include <unibuild/network.h>

#include "lwip/err.h"
#include "lwip/ip_addr.h"

struct ub_socket;

/* One message, from either side of the system call. */
struct ub_socket_message {
    const struct iovec *pieces;
    size_t count;
    size_t size; /* of all pieces */
    unsigned flags;
    struct sockaddr_in peer; /* sending: the destination; receiving: the source */
    bool peer_valid;
    struct in_addr local; /* sending: the source address asked for; receiving: the destination */
    unsigned result_flags;
};

struct ub_socket_operations {
    int domain;
    int type;
    /* `port` in host order, 0 for any. NULL, as `connect`, in the ends of a pair. */
    int (*bind)(struct ub_socket *socket, const ip_addr_t *address, uint16_t port);
    int (*connect)(struct ub_socket *socket, const struct sockaddr_in *peer);
    /* NULL in datagram sockets, as `accept`. */
    int (*listen)(struct ub_socket *socket, int backlog);
    /* The next connection, with one reference, not installed. */
    int (*accept)(struct ub_socket *socket, struct ub_socket **connection);
    long (*send)(struct ub_socket *socket, const struct ub_socket_message *message);
    long (*receive)(struct ub_socket *socket, struct ub_socket_message *message);
    int (*shutdown)(struct ub_socket *socket, int how);
    unsigned (*poll)(struct ub_socket *socket);
    /* Bytes that a receive would return now. */
    size_t (*available)(struct ub_socket *socket);
    /* Either name; `peer` says which. -ENOTCONN when there is none. */
    int (*name)(struct ub_socket *socket, bool peer, struct sockaddr_in *name);
    /* An option of the kind's own level; -ENOPROTOOPT when unknown. */
    int (*set_option)(struct ub_socket *socket, int name, int value);
    int (*get_option)(struct ub_socket *socket, int name, int *value);
    /* The part that both lwIP control blocks begin with; NULL when there is none. */
    struct ip_pcb *(*control_block)(struct ub_socket *socket);
    void (*close)(struct ub_socket *socket);
};

struct ub_socket {
    struct ub_file file; /* first */
    const struct ub_socket_operations *operations;
    int error;                /* pending, positive; see ub_socket_take_error */
    uint64_t receive_timeout; /* ns; 0 is none */
    uint64_t send_timeout;
    unsigned receive_limit; /* SO_RCVBUF, bytes */
    unsigned send_limit;    /* SO_SNDBUF: told, not enforced beyond the kind's own bound */
    struct linger linger;
    bool send_more; /* frames need not be shown to the device at once; see ub_socket_flush */
    bool listening;
    bool reuse_port;
    bool packet_information; /* IP_PKTINFO */
    uint32_t remembered;     /* options without effect that were set; see ignored.c */
};

#define UB_SOCKET_DEFAULT_LIMIT 212992u

/* The socket behind a descriptor with a reference taken and the network locked, or NULL with
 * `*error` -EBADF or -ENOTSOCK. ub_socket_release undoes both. */
struct ub_socket *ub_socket_enter(long descriptor, long *error);
long ub_socket_leave(struct ub_socket *socket, long result);
/* Shows the device what was sent; at the end of a system call, which may have sent many messages.
 */
void ub_socket_flush(struct ub_socket *socket);

/* Sets up the common part. */
void ub_socket_initialize(struct ub_socket *socket, const struct ub_socket_operations *operations);
struct ub_socket *ub_datagram_create(void);
struct ub_socket *ub_stream_create(void);
/* Only in images whose programs were made for Linux: there it is referred to. */
struct ub_socket *ub_netlink_create(void);
/* Bytes of such a socket's name. */
#define UB_SOCKET_NETLINK_NAME 12u

/* Whether an operation with these MSG_* flags may wait. */
bool ub_socket_may_wait(const struct ub_socket *socket, unsigned flags);
/* When an operation that starts now gives up; `timeout` is one of the socket's. */
uint64_t ub_socket_deadline(uint64_t timeout);
/* Drives the network, then waits for a change of the socket. 0, -EAGAIN at the deadline, or -EINTR
 * when a signal waits for the thread. */
int ub_socket_wait(struct ub_socket *socket, uint64_t deadline);
/* The pending error, negated, which it clears; 0 when there is none. */
int ub_socket_take_error(struct ub_socket *socket);

/* What a send that nobody will read answers: -EPIPE, with the signal unless MSG_NOSIGNAL. */
long ub_socket_broken(const struct ub_socket_message *message);

/* What a type that is not there answers. */
int ub_socket_type_error(long type);

/* lwIP's results as negated error numbers. */
int ub_socket_error(err_t error);

/* An IPv4 socket address from the program, or one of AF_NETLINK for such a socket, where it means
 * nothing. 0, -EINVAL, -EAFNOSUPPORT. */
int ub_socket_read_address(const struct ub_socket *socket, const struct sockaddr *from,
                           socklen_t size, struct sockaddr_in *to);
/* Gives the program an address, cut at its `*size`, which becomes the whole size. */
void ub_socket_write_address(const struct sockaddr_in *from, struct sockaddr *to, socklen_t *size);
struct sockaddr_in ub_socket_make_address(const ip_addr_t *address, uint16_t port);
ip_addr_t ub_socket_ip(struct in_addr address);

/* Calls `bind(control block, address, port)` with unpredictable ports until one is free. */
int ub_socket_bind_any(struct ub_socket *socket, const ip_addr_t *address,
                       err_t (*bind)(void *control_block, const ip_addr_t *address, u16_t port));

/* struct msghdr to message and back; -EMSGSIZE, -EINVAL on what makes no sense. */
int ub_socket_read_header(const struct ub_socket *socket, const struct msghdr *header,
                          unsigned flags, bool sending, struct ub_socket_message *message);
void ub_socket_write_header(const struct ub_socket *socket, const struct ub_socket_message *message,
                            struct msghdr *header);

/* One message of sendmsg and recvmsg, with the network locked. */
long ub_socket_send_header(struct ub_socket *socket, const struct msghdr *header, unsigned flags);
long ub_socket_receive_header(struct ub_socket *socket, struct msghdr *header, unsigned flags);

#endif
