#include "transfer.h"

/* The signal that comes with -EPIPE, where signals are in the image. */
#pragma weak ub_signal_broken_pipe
void ub_signal_broken_pipe(void);

/* One piece, through `buffer`. Returns how much the file took, or why it took nothing. */
static long write_piece(struct ub_file *file, struct ub_pieces *pieces, int64_t offset,
                        char *buffer, size_t size)
{
    const struct ub_file_operations *operations = file->operations;
    size_t copied = ub_pieces_copy_in(pieces, buffer, size);
    /* A stream gets the whole piece or nothing: it may be one message. */
    if (copied < size && (copied == 0 || operations->seek == NULL)) {
        return -EFAULT;
    }
    return offset == UB_STREAM_POSITION ? operations->write(file, buffer, copied)
                                        : operations->write_at(file, buffer, copied, offset);
}

static long write_small(struct ub_file *file, struct ub_pieces *pieces, int64_t offset)
{
    char buffer[UB_TRANSFER_SMALL] __attribute__((uninitialized));
    return write_piece(file, pieces, offset, buffer, pieces->left);
}

static long write_large(struct ub_file *file, struct ub_pieces *pieces, int64_t offset)
{
    size_t size = pieces->left < UB_TRANSFER_MAXIMUM ? pieces->left : UB_TRANSFER_MAXIMUM;
    char *buffer = ub_transfer_buffer_take(size);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    long total = 0;
    long put;
    size_t want;
    do {
        want = pieces->left < size ? pieces->left : size;
        put = write_piece(file, pieces, offset, buffer, want);
        total += put > 0 ? put : 0;
        offset += put > 0 && offset != UB_STREAM_POSITION ? put : 0;
    } while (put == (long)want && pieces->left > 0);
    ub_transfer_buffer_give(buffer, size);
    return total > 0 ? total : put;
}

long ub_transfer_write(struct ub_file *file, struct ub_pieces *pieces, int64_t offset)
{
    const struct ub_file_operations *operations = file->operations;
    bool may = operations->write != NULL && (file->flags & O_ACCMODE) != O_RDONLY;
    if (offset != UB_STREAM_POSITION && operations->seek == NULL) {
        return -ESPIPE;
    }
    if (operations->write_at == NULL) {
        offset = UB_STREAM_POSITION; /* devices have none of their own */
    }
    if (!may) {
        return -EBADF;
    }
    if (pieces->left == 0 && !pieces->even_empty) {
        return 0;
    }
    long result = pieces->left <= UB_TRANSFER_SMALL ? write_small(file, pieces, offset)
                                                    : write_large(file, pieces, offset);
    if (result == -EPIPE && ub_signal_broken_pipe != NULL) {
        ub_signal_broken_pipe();
    }
    return result;
}
