/*
 * sendfile(2): what lies in the image goes from there without a copy between; other files through a
 * buffer. The file's position or *offset moves on by what was written.
 */
#include <unistd.h>

#include <unibuild/file.h>
#include <unibuild/memory.h>

#define PIECE 65536UL
/* The most that one call sends, as on Linux (MAX_RW_COUNT): files with holes have no end. */
#define COUNT_MAXIMUM 0x7ffff000UL

/* Reads at `offset`, writes it all or what goes. Returns how much was written. */
static long copy_piece(struct ub_file *out, struct ub_file *in, char *buffer, size_t size,
                       int64_t offset)
{
    long got = in->operations->read_at(in, buffer, size, offset);
    return got > 0 ? out->operations->write(out, buffer, (size_t)got) : got;
}

/* As one write, or 0 when the file's bytes do not stay where they are. */
static long send_in_place(struct ub_file *out, struct ub_file *in, int64_t *offset, size_t count)
{
    struct ub_file_contents contents = {0};
    if (in->operations->contents == NULL || in->operations->page != NULL ||
        in->operations->contents(in, &contents) != 0 || contents.bytes == NULL ||
        (uint64_t)*offset >= contents.size) {
        return 0;
    }
    size_t left = contents.size - (uint64_t)*offset;
    long result = out->operations->write(out, (const char *)contents.bytes + *offset,
                                         count < left ? count : left);
    *offset += result > 0 ? result : 0;
    return result;
}

static long copy(struct ub_file *out, struct ub_file *in, int64_t *offset, size_t count)
{
    long sent = send_in_place(out, in, offset, count);
    if (sent != 0) {
        return sent;
    }
    char *buffer = ub_page_allocate(PIECE / UB_PAGE_SIZE);
    size_t total = 0;
    long result = buffer == NULL ? -ENOMEM : 0;
    while (buffer != NULL && total < count) {
        size_t size = count - total < PIECE ? count - total : PIECE;
        result = copy_piece(out, in, buffer, size, *offset);
        if (result <= 0) {
            break;
        }
        total += (size_t)result;
        *offset += result;
        if (ub_thread_interrupted()) {
            break;
        }
    }
    if (buffer != NULL) {
        ub_page_free(buffer, PIECE / UB_PAGE_SIZE);
    }
    return total > 0 ? (long)total : result;
}

static long checked(struct ub_file *out, struct ub_file *in, int64_t *offset, size_t count)
{
    if (in->operations->read_at == NULL || in->operations->seek == NULL) {
        return -EINVAL; /* only what has offsets, as on Linux */
    }
    if (out->operations->write == NULL || (out->flags & O_ACCMODE) == O_RDONLY) {
        return -EBADF;
    }
    if (offset != NULL) {
        return *offset < 0 ? -EINVAL : copy(out, in, offset, count);
    }
    int64_t position = in->operations->seek(in, 0, SEEK_CUR);
    if (position < 0) {
        return position;
    }
    long result = copy(out, in, &position, count);
    (void)in->operations->seek(in, position, SEEK_SET);
    return result;
}

long ub_sys_sendfile(long out_descriptor, long in_descriptor, int64_t *offset, size_t count)
{
    struct ub_file *out = ub_file_get(out_descriptor);
    struct ub_file *in = ub_file_get(in_descriptor);
    long result = -EBADF;
    if (out != NULL && in != NULL) {
        result = checked(out, in, offset, count < COUNT_MAXIMUM ? count : COUNT_MAXIMUM);
    }
    if (in != NULL) {
        ub_file_put(in);
    }
    if (out != NULL) {
        ub_file_put(out);
    }
    return result;
}
