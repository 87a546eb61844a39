/*
 * Buffers that end at a page which cannot be touched: one octet too many ends the program.
 */
#ifndef DNS_TESTS_GUARDED_H
#define DNS_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>

struct guarded {
    uint8_t *end; /* the guard page starts here */
    size_t size;
};

/* Room for `size` octets before the guard page; ends the program when there is no memory. */
struct guarded guarded_create(size_t size);

#endif
