/*
 * Growable arrays on anonymous mappings, for the time when zones are read.
 *
 * The server allocates only before it answers its first query, and what it builds then stays for
 * good. A few arrays that double, and are cut to size at the end, need neither the code nor the
 * headers of a general allocator. Elements are addressed by index, since growing moves them.
 */
#ifndef DNS_MEMORY_H
#define DNS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory_array {
    void *data;
    size_t length;   /* octets in use */
    size_t capacity; /* octets mapped */
};

/* Appends `size` zeroed octets and returns them, or NULL when no memory is left. The address holds
 * until the next call for this array. */
void *memory_array_extend(struct memory_array *array, size_t size);

/* Unmaps the pages behind the last octet in use. */
void memory_array_trim(struct memory_array *array);

/* Unmaps everything; the array is empty and usable afterwards. */
void memory_array_release(struct memory_array *array);

#endif
