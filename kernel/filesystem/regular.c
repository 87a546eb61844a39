/* Reading files: the bytes lie in the image. */
#include <string.h>

#include "open_file.h"

static long regular_read_at(struct ub_file *file, void *buffer, size_t size, int64_t offset)
{
    const struct ub_node *node = ((struct ub_open_file *)file)->node;
    if ((uint64_t)offset >= node->size) {
        return 0;
    }
    uint64_t left = node->size - (uint64_t)offset;
    size_t count = size < left ? size : (size_t)left;
    memcpy(buffer, (const char *)node->content + offset, count);
    return (long)count;
}

static long regular_read(struct ub_file *file, void *buffer, size_t size)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    ub_mutex_lock(&opened->lock);
    long count = regular_read_at(file, buffer, size, opened->position);
    opened->position += count;
    ub_mutex_unlock(&opened->lock);
    return count;
}

static int64_t regular_seek(struct ub_file *file, int64_t offset, int whence)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    int64_t result;
    ub_mutex_lock(&opened->lock);
    int64_t base = whence == SEEK_CUR   ? opened->position
                   : whence == SEEK_END ? (int64_t)opened->node->size
                                        : 0;
    if (whence < SEEK_SET || whence > SEEK_END || __builtin_add_overflow(base, offset, &result) ||
        result < 0) {
        result = -EINVAL;
    } else {
        opened->position = result;
    }
    ub_mutex_unlock(&opened->lock);
    return result;
}

const struct ub_file_operations ub_regular_operations = {
    .read = regular_read,
    .read_at = regular_read_at,
    .seek = regular_seek,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};
