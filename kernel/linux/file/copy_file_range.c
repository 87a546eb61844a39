/* copy_file_range: between files that have offsets, through a buffer of the kernel. */
#include "transfer.h"

/* The most that one call copies, as on Linux (MAX_RW_COUNT): files with holes have no end. */
#define COUNT_MAXIMUM 0x7ffff000UL

static long copy(struct ub_file *in, int64_t *in_offset, struct ub_file *out, int64_t *out_offset,
                 uint64_t size)
{
    size_t piece = size < UB_TRANSFER_MAXIMUM ? size : UB_TRANSFER_MAXIMUM;
    char *buffer = ub_transfer_buffer_take(piece);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    long total = 0;
    long got = 0;
    while (size > 0) {
        got = in->operations->read_at(in, buffer, size < piece ? size : piece, *in_offset);
        if (got > 0) {
            got = out->operations->write_at(out, buffer, (size_t)got, *out_offset);
        }
        if (got <= 0) {
            break;
        }
        *in_offset += got;
        *out_offset += got;
        size -= (uint64_t)got;
        total += got;
        if (ub_thread_interrupted()) {
            break;
        }
    }
    ub_transfer_buffer_give(buffer, piece);
    return total > 0 ? total : got;
}

static long check(const struct ub_file *in, const struct ub_file *out)
{
    if (in->operations->read == NULL || (in->flags & O_ACCMODE) == O_WRONLY ||
        out->operations->write == NULL || (out->flags & O_ACCMODE) == O_RDONLY ||
        (out->flags & O_APPEND)) {
        return -EBADF;
    }
    return in->operations->read_at == NULL || out->operations->write_at == NULL ||
                   in->operations->seek == NULL || out->operations->seek == NULL
               ? -EINVAL
               : 0;
}

/* The offset that the program gives, or the file's own position. */
static bool offset_in(struct ub_file *file, uint64_t address, int64_t *offset)
{
    if (address == 0) {
        *offset = file->operations->seek(file, 0, SEEK_CUR);
        return true;
    }
    return ub_user_copy_in(offset, address, sizeof *offset);
}

static bool offset_out(struct ub_file *file, uint64_t address, int64_t offset)
{
    if (address == 0) {
        (void)file->operations->seek(file, offset, SEEK_SET);
        return true;
    }
    return ub_user_copy_out(address, &offset, sizeof offset);
}

static long checked(struct ub_exception_frame *frame, struct ub_file *in, struct ub_file *out)
{
    int64_t from;
    int64_t to;
    long result = frame->r9 != 0 ? -EINVAL : check(in, out);
    if (result != 0) {
        return result;
    }
    if (!offset_in(in, frame->rsi, &from) || !offset_in(out, frame->r10, &to)) {
        return -EFAULT;
    }
    if (from < 0 || to < 0) {
        return -EINVAL;
    }
    result = copy(in, &from, out, &to, frame->r8 < COUNT_MAXIMUM ? frame->r8 : COUNT_MAXIMUM);
    if (result > 0 && (!offset_out(in, frame->rsi, from) || !offset_out(out, frame->r10, to))) {
        result = -EFAULT;
    }
    return result;
}

UB_LINUX_CALL(copy_file_range)
{
    struct ub_file *in = ub_file_get((int)frame->rdi);
    struct ub_file *out = ub_file_get((int)frame->rdx);
    long result = in != NULL && out != NULL ? checked(frame, in, out) : -EBADF;
    if (in != NULL) {
        ub_file_put(in);
    }
    if (out != NULL) {
        ub_file_put(out);
    }
    return result;
}
