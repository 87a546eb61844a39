/*
 * Inside kernel/linux/file: bytes on their way between files and the program.
 *
 * They go through memory of the kernel, in pieces of at most UB_TRANSFER_MAXIMUM: small ones over
 * the stack, others through a buffer that is kept for the next call and never zeroed. A read of
 * what has offsets, and every write, goes on piece after piece until one stays short, as Linux
 * does; a read of a stream ends with the first. So datagrams, and writes to pipes of up to PIPE_BUF
 * bytes, stay whole.
 *
 * A bad address is -EFAULT only when nothing was transferred; what lies before it counts.
 */
#ifndef UNIBUILD_LINUX_FILE_TRANSFER_H
#define UNIBUILD_LINUX_FILE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unibuild/file.h>
#include <unibuild/linux_call.h>

/* As the program's struct iovec. */
struct ub_piece {
    uint64_t address, size;
};

/* A walk over pieces. */
struct ub_pieces {
    const struct ub_piece *list;
    size_t count;
    size_t index;    /* of the piece at hand */
    uint64_t done;   /* bytes of it */
    uint64_t left;   /* bytes of all that are left */
    bool even_empty; /* whether a transfer of no bytes reaches the file (read and write) */
};

/* Where in the file: its own position, or an offset. */
#define UB_STREAM_POSITION ((int64_t)-1)

/* `pieces` are checked already. Counts of bytes, or negated error numbers. */
long ub_transfer_read(struct ub_file *file, struct ub_pieces *pieces, int64_t offset);
long ub_transfer_write(struct ub_file *file, struct ub_pieces *pieces, int64_t offset);

typedef long ub_transfer(struct ub_file *file, struct ub_pieces *pieces, int64_t offset);

/* read, write, pread64, pwrite64: one piece. */
long ub_transfer_one(long descriptor, uint64_t address, uint64_t size, int64_t offset,
                     ub_transfer *transfer);
/* readv and the others: a vector of the program's, checked as Linux does. */
long ub_transfer_vector(long descriptor, uint64_t vector, uint64_t count, int64_t offset,
                        ub_transfer *transfer);

/* Copy `size` <= pieces->left bytes and move on. Return how many there were before a bad address.
 */
size_t ub_pieces_copy_in(struct ub_pieces *pieces, void *to, size_t size);
size_t ub_pieces_copy_out(struct ub_pieces *pieces, const void *from, size_t size);

/* Up to this much goes over the stack. */
#define UB_TRANSFER_SMALL 512U

/* At least `size` <= UB_TRANSFER_MAXIMUM bytes, not zeroed; NULL when memory is out. */
void *ub_transfer_buffer_take(size_t size);
void ub_transfer_buffer_give(void *buffer, size_t size);

#endif
