/* Reading: the text is made once for each opening, at the first read, and stays so. */
#include <string.h>

#include <unibuild/memory.h>

#include "text.h"

/* With the opening's lock held. */
static long made(struct ub_open_file *opened)
{
    if (opened->text != NULL) {
        return 0;
    }
    struct ub_text text = {0};
    ub_text_maker *make = (ub_text_maker *)(uintptr_t)opened->node->content;
    make(&text);
    if (text.failed) {
        ub_heap_free(text.bytes);
        return -ENOMEM;
    }
    opened->text = text.bytes;
    opened->text_size = text.size;
    return 0;
}

static long copy(const void *from, size_t size, void *to, size_t room, int64_t offset)
{
    if ((uint64_t)offset >= size) {
        return 0;
    }
    size_t left = size - (size_t)offset;
    size_t count = room < left ? room : left;
    memcpy(to, (const char *)from + offset, count);
    return (long)count;
}

typedef long read_function(struct ub_open_file *opened, void *buffer, size_t size, int64_t offset);

static long read_made(struct ub_open_file *opened, void *buffer, size_t size, int64_t offset)
{
    long error = made(opened);
    return error != 0 ? error : copy(opened->text, opened->text_size, buffer, size, offset);
}

static long read_fixed(struct ub_open_file *opened, void *buffer, size_t size, int64_t offset)
{
    const char *text = opened->node->content;
    return copy(text, strlen(text), buffer, size, offset);
}

static long at_position(struct ub_file *file, void *buffer, size_t size, read_function *read)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    ub_mutex_lock(&opened->lock);
    long count = read(opened, buffer, size, opened->position);
    opened->position += count > 0 ? count : 0;
    ub_mutex_unlock(&opened->lock);
    return count;
}

static long made_read(struct ub_file *file, void *buffer, size_t size)
{
    return at_position(file, buffer, size, read_made);
}

static long made_read_at(struct ub_file *file, void *buffer, size_t size, int64_t offset)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    ub_mutex_lock(&opened->lock);
    long count = read_made(opened, buffer, size, offset);
    ub_mutex_unlock(&opened->lock);
    return count;
}

static long fixed_read(struct ub_file *file, void *buffer, size_t size)
{
    return at_position(file, buffer, size, read_fixed);
}

static long fixed_read_at(struct ub_file *file, void *buffer, size_t size, int64_t offset)
{
    return read_fixed((struct ub_open_file *)file, buffer, size, offset);
}

/* The size is not known before; Linux has 0 for it too. */
static int64_t seek(struct ub_file *file, int64_t offset, int whence)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    ub_mutex_lock(&opened->lock);
    int64_t result = ub_open_file_seek(opened, 0, offset, whence);
    ub_mutex_unlock(&opened->lock);
    return result;
}

const struct ub_file_operations ub_made_operations = {
    .read = made_read,
    .read_at = made_read_at,
    .seek = seek,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

const struct ub_file_operations ub_fixed_operations = {
    .read = fixed_read,
    .read_at = fixed_read_at,
    .seek = seek,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};
