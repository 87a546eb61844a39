/*
 * Areas of the address space that the kernel hands out: to itself in the upper half (stacks,
 * devices), and by mmap to a program that is linked with it in the lower half; each from a base
 * drawn at boot on. A page of an anonymous area gets
 * memory when it is first touched; the areas are a sorted list, so that the fault can be told from
 * a stray pointer. All functions take the lock of the address space themselves.
 */
#ifndef UNIBUILD_ADDRESS_SPACE_H
#define UNIBUILD_ADDRESS_SPACE_H

#include "internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ub_area_kind {
    UB_AREA_ANONYMOUS, /* zeroed pages on first touch, given back when unmapped */
    UB_AREA_DEVICE,    /* registers; the pages are not RAM */
};

#define UB_AREA_READ 1U
#define UB_AREA_WRITE 2U
/* Not counted against the memory that is left. */
#define UB_AREA_UNRESERVED 4U
/* In the kernel's half. */
#define UB_AREA_KERNEL 8U

/*
 * Takes `size` bytes (page aligned) of free address space, at `wanted` exactly when that is not 0.
 * Returns the address, 0 when there is no room (or not enough memory is left for a writable area).
 */
uint64_t ub_area_create(uint64_t wanted, uint64_t size, enum ub_area_kind kind, unsigned access);
/* True when [start, start + size) may be handed out to the program at all. */
bool ub_area_valid(uint64_t start, uint64_t size);
/* Unmaps whatever lies in [start, start + size); false when out of memory. */
bool ub_area_remove(uint64_t start, uint64_t size);
/* Changes the access of all areas in the range, which must be covered without gap. 0 or -errno. */
long ub_area_protect(uint64_t start, uint64_t size, unsigned access);
/* Gives the memory of the range back; the next touch finds zeroes. False when not all is mapped. */
bool ub_area_discard(uint64_t start, uint64_t size);
/* Moves the area [start, start + size) to a new place of `new_size` >= size. 0 when impossible. */
uint64_t ub_area_move(uint64_t start, uint64_t size, uint64_t new_size);
/* Lengthens the area that ends at `end` by `more` bytes in place. */
bool ub_area_extend(uint64_t end, uint64_t more);
/* Gives memory to the page at `address` now. False when it is nobody's, or out of memory. */
bool ub_area_populate(uint64_t address, bool write);

/* Below this, drawn, the kernel's half is free for 512 GiB: its stacks are there. */
uint64_t ub_area_kernel_base(void);

#endif
