/*
 * The engine for calls with plain shapes: copies what goes in, calls, copies what comes out. Small
 * arguments stay on the stack, larger ones go to the heap.
 */
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include <string.h>

#define PATH_SIZE 4096
#define SMALL_SIZE 512
#define ALIGNMENT 16

struct call {
    unsigned char *small; /* SMALL_SIZE bytes */
    size_t used;          /* of `small` */
    long words[UB_ARGUMENTS_MAXIMUM];
    void *owned[UB_ARGUMENTS_MAXIMUM];
};

static void *take(struct call *call, unsigned index, size_t size)
{
    if (size <= SMALL_SIZE - call->used) {
        void *memory = call->small + call->used;
        call->used += (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        return memory;
    }
    call->owned[index] = ub_heap_allocate(size);
    return call->owned[index];
}

static long string_in(struct call *call, unsigned index, uint64_t from)
{
    char *room = (char *)(call->small + call->used);
    size_t left = SMALL_SIZE - call->used;
    long length = ub_user_string_in(room, from, left);
    if (length >= 0) {
        call->words[index] = (long)take(call, index, (size_t)length + 1);
        return 0;
    }
    if (length != -ENAMETOOLONG) {
        return length;
    }
    char *path = ub_heap_allocate(PATH_SIZE);
    if (path == NULL) {
        return -ENOMEM;
    }
    call->owned[index] = path;
    call->words[index] = (long)path;
    length = ub_user_string_in(path, from, PATH_SIZE);
    return length < 0 ? length : 0;
}

static bool is_counted(const struct ub_shape *shape)
{
    return shape->kind == UB_SHAPE_BYTES_IN || shape->kind == UB_SHAPE_BYTES_OUT;
}

static unsigned kind_of(const struct ub_shape *shape)
{
    return shape->kind & ~(unsigned)UB_SHAPE_REQUIRED;
}

static size_t size_of(const struct call *call, const struct ub_shape *shape)
{
    return is_counted(shape) ? (size_t)call->words[shape->size] : shape->size;
}

static long argument_in(struct call *call, const struct ub_shape *shape, unsigned index)
{
    uint64_t from = (uint64_t)call->words[index];
    unsigned kind = kind_of(shape);
    if (kind == UB_SHAPE_VALUE) {
        return 0;
    }
    if (kind == UB_SHAPE_STRING) {
        return string_in(call, index, from);
    }
    if (from == 0 && !is_counted(shape)) {
        return shape->kind & UB_SHAPE_REQUIRED ? -EFAULT : 0;
    }
    size_t size = size_of(call, shape);
    void *copy = take(call, index, size != 0 ? size : 1);
    if (copy == NULL) {
        return -ENOMEM;
    }
    call->words[index] = (long)copy;
    if (kind == UB_SHAPE_OUT) {
        memset(copy, 0, size);
    } else if (kind != UB_SHAPE_BYTES_OUT && !ub_user_copy_in(copy, from, size)) {
        return -EFAULT;
    }
    return 0;
}

static bool argument_out(const struct ub_exception_frame *frame, const struct call *call,
                         const struct ub_shape *shape, unsigned index, long result)
{
    unsigned kind = kind_of(shape);
    uint64_t to = ub_argument(frame, index);
    size_t size = shape->size;
    if (kind == UB_SHAPE_BYTES_OUT) {
        size = (size_t)call->words[shape->size];
        size = (size_t)result < size ? (size_t)result : size;
    } else if ((kind != UB_SHAPE_OUT && kind != UB_SHAPE_IN_OUT) || to == 0) {
        return true;
    }
    return ub_user_copy_out(to, (const void *)call->words[index], size);
}

static long arguments_in(const struct ub_exception_frame *frame, struct call *call,
                         const struct ub_shape shapes[UB_ARGUMENTS_MAXIMUM])
{
    for (unsigned i = 0; i < UB_ARGUMENTS_MAXIMUM; i++) {
        call->words[i] = (long)ub_argument(frame, i);
    }
    for (unsigned i = 0; i < UB_ARGUMENTS_MAXIMUM; i++) {
        if (is_counted(&shapes[i]) &&
            (unsigned long)call->words[shapes[i].size] > UB_TRANSFER_MAXIMUM) {
            call->words[shapes[i].size] = UB_TRANSFER_MAXIMUM;
        }
    }
    for (unsigned i = 0; i < UB_ARGUMENTS_MAXIMUM; i++) {
        long result = argument_in(call, &shapes[i], i);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

long ub_call_shaped(struct ub_exception_frame *frame, const struct ub_shape shapes[6],
                    ub_entry_point *entry)
{
    __attribute__((uninitialized, aligned(ALIGNMENT))) unsigned char small[SMALL_SIZE];
    struct call call = {.small = small};
    long result = arguments_in(frame, &call, shapes);
    if (result == 0) {
        const long *words = call.words;
        result = entry(words[0], words[1], words[2], words[3], words[4], words[5]);
        for (unsigned i = 0; i < UB_ARGUMENTS_MAXIMUM && result >= 0; i++) {
            if (!argument_out(frame, &call, &shapes[i], i, result)) {
                result = -EFAULT;
            }
        }
    }
    for (unsigned i = 0; i < UB_ARGUMENTS_MAXIMUM; i++) {
        ub_heap_free(call.owned[i]);
    }
    return result;
}
