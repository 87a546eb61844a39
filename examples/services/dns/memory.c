#include "memory.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE_SIZE_MINIMUM ((size_t)4096)

static size_t round_to_pages(size_t size)
{
    return (size + PAGE_SIZE_MINIMUM - 1) & ~(PAGE_SIZE_MINIMUM - 1);
}

static bool grow(struct memory_array *array, size_t wanted)
{
    size_t capacity = array->capacity == 0 ? PAGE_SIZE_MINIMUM : array->capacity * 2;
    if (capacity < wanted) {
        capacity = round_to_pages(wanted);
    }
    void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return false;
    }
    if (array->length != 0) {
        memcpy(data, array->data, array->length);
    }
    if (array->capacity != 0) {
        munmap(array->data, array->capacity);
    }
    array->data = data;
    array->capacity = capacity;
    return true;
}

void *memory_array_extend(struct memory_array *array, size_t size)
{
    if (size > array->capacity - array->length && !grow(array, array->length + size)) {
        return NULL;
    }
    unsigned char *start = (unsigned char *)array->data + array->length;
    array->length += size;
    return start;
}

void memory_array_trim(struct memory_array *array)
{
    size_t used = round_to_pages(array->length);
    if (used < array->capacity) {
        munmap((unsigned char *)array->data + used, array->capacity - used);
        array->capacity = used;
    }
}

void memory_array_release(struct memory_array *array)
{
    if (array->capacity != 0) {
        munmap(array->data, array->capacity);
    }
    *array = (struct memory_array){0};
}
