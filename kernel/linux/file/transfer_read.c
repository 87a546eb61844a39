#include "transfer.h"

/* One piece, through `buffer`. Returns how much the program got, or why it got nothing. */
static long read_piece(struct ub_file *file, struct ub_pieces *pieces, int64_t offset, char *buffer,
                       size_t size)
{
    const struct ub_file_operations *operations = file->operations;
    long got = offset == UB_STREAM_POSITION ? operations->read(file, buffer, size)
                                            : operations->read_at(file, buffer, size, offset);
    if (got <= 0) {
        return got;
    }
    size_t copied = ub_pieces_copy_out(pieces, buffer, (size_t)got);
    if (copied < (size_t)got && offset == UB_STREAM_POSITION && operations->seek != NULL) {
        (void)operations->seek(file, (int64_t)copied - got, SEEK_CUR);
    }
    return copied == 0 ? -EFAULT : (long)copied;
}

static long read_small(struct ub_file *file, struct ub_pieces *pieces, int64_t offset)
{
    char buffer[UB_TRANSFER_SMALL] __attribute__((uninitialized));
    return read_piece(file, pieces, offset, buffer, pieces->left);
}

static long read_large(struct ub_file *file, struct ub_pieces *pieces, int64_t offset)
{
    size_t size = pieces->left < UB_TRANSFER_MAXIMUM ? pieces->left : UB_TRANSFER_MAXIMUM;
    char *buffer = ub_transfer_buffer_take(size);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    bool stream = file->operations->read_at == NULL;
    long total = 0;
    long got;
    size_t want;
    do {
        want = pieces->left < size ? pieces->left : size;
        got = read_piece(file, pieces, offset, buffer, want);
        total += got > 0 ? got : 0;
        offset += got > 0 && offset != UB_STREAM_POSITION ? got : 0;
    } while (!stream && got == (long)want && pieces->left > 0);
    ub_transfer_buffer_give(buffer, size);
    return total > 0 ? total : got;
}

long ub_transfer_read(struct ub_file *file, struct ub_pieces *pieces, int64_t offset)
{
    const struct ub_file_operations *operations = file->operations;
    if (offset != UB_STREAM_POSITION && operations->seek == NULL) {
        return -ESPIPE;
    }
    if (operations->read_at == NULL) {
        offset = UB_STREAM_POSITION; /* devices and directories have none of their own */
    }
    if (operations->read == NULL || (file->flags & O_ACCMODE) == O_WRONLY) {
        return -EBADF;
    }
    if (pieces->left == 0 && !pieces->even_empty) {
        return 0;
    }
    return pieces->left <= UB_TRANSFER_SMALL ? read_small(file, pieces, offset)
                                             : read_large(file, pieces, offset);
}
