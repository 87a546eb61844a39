#include <poll.h>

#include <unibuild/memory.h>

#include "transfer.h"

/* What a stream gives is gone from it: how much of the first piece the program has memory for, or
 * `size` when that is all of it. */
static size_t stream_room(const struct ub_pieces *pieces, size_t size)
{
    uint64_t address = pieces->list->address;
    size_t first = pieces->list->size < size ? pieces->list->size : size;
    size_t there = 0;
    if (ub_user_writable(address, first)) {
        return size;
    }
    while (there < first) {
        size_t step = UB_PAGE_SIZE - ((address + there) & UB_PAGE_MASK);
        step = step < first - there ? step : first - there;
        if (!ub_user_writable(address + there, step)) {
            break;
        }
        there += step;
    }
    return there;
}

/* Whether a read would not get as far as the program's memory. */
static bool nothing_waits(struct ub_file *file)
{
    return (file->flags & O_NONBLOCK) && file->operations->poll != NULL &&
           !(file->operations->poll(file) & (POLLIN | POLLHUP | POLLERR));
}

/* One piece, through `buffer`. Returns how much the program got, or why it got nothing. */
static long read_piece(struct ub_file *file, struct ub_pieces *pieces, int64_t offset, char *buffer,
                       size_t size)
{
    const struct ub_file_operations *operations = file->operations;
    if (operations->seek == NULL && size > 0) {
        size = stream_room(pieces, size);
        if (size == 0) {
            return nothing_waits(file) ? -EAGAIN : -EFAULT;
        }
    }
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
    bool stream = file->operations->seek == NULL;
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
