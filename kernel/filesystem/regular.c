/* Reading files: the bytes lie in the image. */
#include <string.h>
#include <unistd.h>

#include "open_file.h"

int64_t ub_open_file_seek(struct ub_open_file *opened, uint64_t size, int64_t offset, int whence)
{
    int64_t base = 0;
    int64_t result;
    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = opened->position;
        break;
    case SEEK_END:
        base = (int64_t)size;
        break;
    case SEEK_DATA: /* the whole file is data, and a hole begins at its end */
    case SEEK_HOLE:
        if (offset < 0 || (uint64_t)offset >= size) {
            return -ENXIO;
        }
        base = whence == SEEK_HOLE ? (int64_t)size - offset : 0;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, offset, &result) || result < 0) {
        return -EINVAL;
    }
    opened->position = result;
    return result;
}

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
    ub_mutex_lock(&opened->lock);
    int64_t result = ub_open_file_seek(opened, opened->node->size, offset, whence);
    ub_mutex_unlock(&opened->lock);
    return result;
}

static long regular_contents(struct ub_file *file, struct ub_file_contents *contents)
{
    const struct ub_node *node = ((struct ub_open_file *)file)->node;
    *contents = (struct ub_file_contents){node->content, node->size};
    return 0;
}

const struct ub_file_operations ub_regular_operations = {
    .read = regular_read,
    .read_at = regular_read_at,
    .seek = regular_seek,
    .contents = regular_contents,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};
