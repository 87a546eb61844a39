/* The pieces of a message. */
#include <limits.h>

#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include "message.h"

#define PIECES_MAXIMUM 1024U
/* The most that Linux transfers in one call. */
#define SIZE_MAXIMUM ((size_t)INT_MAX & ~(size_t)0xfff)

static long check(struct ub_linux_vector *vector)
{
    vector->size = 0;
    for (size_t i = 0; i < vector->count; i++) {
        struct ub_linux_piece *piece = &vector->pieces[i];
        if ((int64_t)piece->size < 0) {
            return -EINVAL;
        }
        if (piece->size > SIZE_MAXIMUM - vector->size) {
            piece->size = SIZE_MAXIMUM - vector->size;
        }
        vector->size += piece->size;
    }
    return 0;
}

long ub_linux_vector_in(struct ub_linux_vector *vector, uint64_t pieces, uint64_t count)
{
    if (count > PIECES_MAXIMUM) {
        return -EMSGSIZE;
    }
    vector->count = count;
    vector->pieces = vector->few;
    if (count > UB_LINUX_PIECES_ON_STACK) {
        vector->pieces = ub_heap_allocate(count * sizeof vector->pieces[0]);
        if (vector->pieces == NULL) {
            return -ENOMEM;
        }
    }
    long result = ub_user_copy_in(vector->pieces, pieces, count * sizeof vector->pieces[0])
                      ? check(vector)
                      : -EFAULT;
    if (result != 0) {
        ub_linux_vector_free(vector);
    }
    return result;
}

void ub_linux_vector_one(struct ub_linux_vector *vector, uint64_t address, uint64_t size)
{
    size = size < SIZE_MAXIMUM ? size : SIZE_MAXIMUM;
    vector->few[0] = (struct ub_linux_piece){address, size};
    vector->pieces = vector->few;
    vector->count = 1;
    vector->size = size;
}

void ub_linux_vector_free(struct ub_linux_vector *vector)
{
    if (vector->pieces != vector->few) {
        ub_heap_free(vector->pieces);
    }
}

/* Walks over bytes [start, start + size) of the pieces. */
static bool walk(const struct ub_linux_vector *vector, size_t start, char *in, const char *out,
                 size_t size)
{
    size_t position = 0;
    size_t done = 0;
    for (size_t i = 0; i < vector->count && done < size; i++) {
        const struct ub_linux_piece *piece = &vector->pieces[i];
        size_t end = position + piece->size;
        if (end > start + done) {
            uint64_t there = piece->address + (start + done - position);
            size_t part = end - (start + done);
            part = part < size - done ? part : size - done;
            if (in != NULL ? !ub_user_copy_in(in + done, there, part)
                           : !ub_user_copy_out(there, out + done, part)) {
                return false;
            }
            done += part;
        }
        position = end;
    }
    return true;
}

bool ub_linux_gather(const struct ub_linux_vector *vector, size_t start, void *to, size_t size)
{
    return walk(vector, start, to, NULL, size);
}

bool ub_linux_scatter(const struct ub_linux_vector *vector, size_t start, const void *from,
                      size_t size)
{
    return walk(vector, start, NULL, from, size);
}
