/*
 * Messages between the program and the kernel: what sendto, sendmsg and sendmmsg share, and their
 * counterparts.
 *
 * A message goes through one buffer of the kernel's. Streams go on piece after piece of
 * UB_TRANSFER_MAXIMUM; datagrams stay whole.
 */
#ifndef UNIBUILD_LINUX_SOCKET_MESSAGE_H
#define UNIBUILD_LINUX_SOCKET_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"

/* struct msghdr as programs lay it out. */
struct ub_linux_header {
    uint64_t name;
    uint32_t name_size;
    uint32_t pieces_gap;
    uint64_t pieces;
    uint64_t count;
    uint64_t control;
    uint64_t control_size;
    uint32_t flags;
    uint32_t gap;
};

/* The element of sendmmsg and recvmmsg. */
struct ub_linux_multiple {
    struct ub_linux_header header;
    uint32_t length;
    uint32_t gap;
};

#define UB_LINUX_MULTIPLE_MAXIMUM 1024U

struct ub_linux_piece {
    uint64_t address;
    uint64_t size;
};

#define UB_LINUX_PIECES_ON_STACK 8U
#define UB_LINUX_CONTROL_MAXIMUM 256U

/* A vector of the program's in the kernel. */
struct ub_linux_vector {
    struct ub_linux_piece few[UB_LINUX_PIECES_ON_STACK];
    struct ub_linux_piece *pieces;
    size_t count;
    size_t size; /* of all pieces; cut at the most that one call transfers */
};

/* 0, -EMSGSIZE (too many), -EINVAL (a size that is none), -EFAULT, -ENOMEM; frees when it fails. */
long ub_linux_vector_in(struct ub_linux_vector *vector, uint64_t pieces, uint64_t count);
/* The vector of a call that has just one piece. */
void ub_linux_vector_one(struct ub_linux_vector *vector, uint64_t address, uint64_t size);
void ub_linux_vector_free(struct ub_linux_vector *vector);
/* Bytes [start, start + size) of the program's; false when one cannot be reached. */
bool ub_linux_gather(const struct ub_linux_vector *vector, size_t start, void *to, size_t size);
bool ub_linux_scatter(const struct ub_linux_vector *vector, size_t start, const void *from,
                      size_t size);

/* The rest of a message. */
struct ub_linux_extra {
    struct ub_linux_address name;
    _Alignas(8) char control[UB_LINUX_CONTROL_MAXIMUM];
    size_t control_size;
    unsigned flags; /* receiving: MSG_TRUNC and the like */
};

/* Sends or receives a message; counts of bytes or negated error numbers. */
long ub_linux_send(int descriptor, const struct ub_linux_vector *vector, unsigned flags,
                   const struct ub_linux_extra *extra);
long ub_linux_receive(int descriptor, const struct ub_linux_vector *vector, unsigned flags,
                      struct ub_linux_extra *extra);

/* The same for a message whose header is the program's. The header's address is for what comes back
 * in it. */
long ub_linux_send_header(int descriptor, const struct ub_linux_header *header, unsigned flags);
long ub_linux_receive_header(int descriptor, uint64_t at, struct ub_linux_header *header,
                             unsigned flags);

struct ub_exception_frame;
long ub_linux_accept_from(const struct ub_exception_frame *frame, long flags);

#endif
