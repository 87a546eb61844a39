/* The program's pieces: reading them from a vector, walking over them, finding the file. */
#include <limits.h>

#include <unibuild/memory.h>

#include "transfer.h"

/* Linux cuts a transfer to this (MAX_RW_COUNT), and a vector to this many pieces (UIO_MAXIOV). */
#define TRANSFER_CUT 0x7ffff000UL
#define PIECES_MAXIMUM 1024U
#define PIECES_ON_STACK 8U

static bool inside_program(const struct ub_piece *piece)
{
    return piece->size <= UB_USER_END && piece->address <= UB_USER_END - piece->size;
}

long ub_transfer_one(long descriptor, uint64_t address, uint64_t size, int64_t offset,
                     ub_transfer *transfer)
{
    struct ub_piece piece = {address, size};
    struct ub_pieces pieces = {
        .list = &piece,
        .count = 1,
        .left = size < TRANSFER_CUT ? size : TRANSFER_CUT,
        .even_empty = true,
    };
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = inside_program(&piece) ? transfer(file, &pieces, offset) : -EFAULT;
    ub_file_put(file);
    return result;
}

/* The sum of the sizes, cut; or -EINVAL, -EFAULT. */
static long check(const struct ub_piece *list, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].size > LONG_MAX) {
            return -EINVAL;
        }
        if (!inside_program(&list[i])) {
            return -EFAULT;
        }
        total += list[i].size; /* 1024 of less than 2^47 */
    }
    return (long)(total < TRANSFER_CUT ? total : TRANSFER_CUT);
}

static long transfer_list(struct ub_file *file, struct ub_piece *list, uint64_t vector,
                          size_t count, int64_t offset, ub_transfer *transfer)
{
    if (!ub_user_copy_in(list, vector, count * sizeof *list)) {
        return -EFAULT;
    }
    long total = check(list, count);
    if (total < 0) {
        return total;
    }
    struct ub_pieces pieces = {.list = list, .count = count, .left = (uint64_t)total};
    return transfer(file, &pieces, offset);
}

static long transfer_vector(struct ub_file *file, uint64_t vector, uint64_t count, int64_t offset,
                            ub_transfer *transfer)
{
    if (count <= PIECES_ON_STACK) {
        struct ub_piece list[PIECES_ON_STACK] __attribute__((uninitialized));
        return transfer_list(file, list, vector, count, offset, transfer);
    }
    if (count > PIECES_MAXIMUM) {
        return -EINVAL;
    }
    struct ub_piece *list = ub_heap_allocate(count * sizeof *list);
    if (list == NULL) {
        return -ENOMEM;
    }
    long result = transfer_list(file, list, vector, count, offset, transfer);
    ub_heap_free(list);
    return result;
}

long ub_transfer_vector(long descriptor, uint64_t vector, uint64_t count, int64_t offset,
                        ub_transfer *transfer)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = transfer_vector(file, vector, count, offset, transfer);
    ub_file_put(file);
    return result;
}

typedef bool copy_function(uint64_t program, char *kernel, size_t size);

static bool copy_in(uint64_t program, char *kernel, size_t size)
{
    return ub_user_copy_in(kernel, program, size);
}

static bool copy_out(uint64_t program, char *kernel, size_t size)
{
    return ub_user_copy_out(program, kernel, size);
}

/* How much of a range that fails as a whole can be copied: page by page. */
static size_t copy_pages(uint64_t program, char *kernel, size_t size, copy_function *copy)
{
    size_t done = 0;
    while (done < size) {
        size_t step = UB_PAGE_SIZE - ((program + done) & UB_PAGE_MASK);
        step = step < size - done ? step : size - done;
        if (!copy(program + done, kernel + done, step)) {
            break;
        }
        done += step;
    }
    return done;
}

static size_t walk(struct ub_pieces *pieces, char *kernel, size_t size, copy_function *copy)
{
    size_t total = 0;
    while (total < size) {
        const struct ub_piece *piece = &pieces->list[pieces->index];
        size_t step = piece->size - pieces->done;
        if (step == 0) {
            pieces->index++;
            pieces->done = 0;
            continue;
        }
        step = step < size - total ? step : size - total;
        bool good = copy(piece->address + pieces->done, kernel + total, step);
        size_t done =
            good ? step : copy_pages(piece->address + pieces->done, kernel + total, step, copy);
        pieces->done += done;
        pieces->left -= done;
        total += done;
        if (!good) {
            break;
        }
    }
    return total;
}

size_t ub_pieces_copy_in(struct ub_pieces *pieces, void *to, size_t size)
{
    return walk(pieces, to, size, copy_in);
}

size_t ub_pieces_copy_out(struct ub_pieces *pieces, const void *from, size_t size)
{
    return walk(pieces, (char *)(uintptr_t)from, size, copy_out);
}
