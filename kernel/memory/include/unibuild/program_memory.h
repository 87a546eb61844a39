/*
 * The lower half of the address space, which a program in ring 3 has for itself.
 *
 * It is made of areas: page-aligned ranges with one access each. Memory comes to a page when it is
 * first touched. A page of the image's own bytes, or of a file, is shared where it lies until the
 * program writes to it; then it gets a copy. Nothing but areas is reachable from ring 3.
 *
 * No area is writable and executable; one that was ever writable never becomes executable; and only
 * the image's own bytes are executable at all. An image says otherwise by the byte
 * ub_image_allow_exec_mappings.
 *
 * Every function may be called wherever a thread may allocate memory; none sleeps.
 */
#ifndef UNIBUILD_PROGRAM_MEMORY_H
#define UNIBUILD_PROGRAM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UB_PROGRAM_READ 1U
#define UB_PROGRAM_WRITE 2U
#define UB_PROGRAM_EXECUTE 4U

/* The lowest address that a program may have anything at (Linux: vm.mmap_min_addr). */
#define UB_PROGRAM_LOWEST 0x10000UL

/*
 * A free place of `size` bytes at a multiple of `alignment` (a power of two, at least a page),
 * drawn from more than 2^33 pages, with free pages on both sides. Nothing is mapped. 0: no room.
 */
uint64_t ub_program_place(uint64_t size, uint64_t alignment);

/*
 * Zeroes at exactly `at`, which must be free, or at a place of the kernel's choice when it is 0.
 * `at` and `size` are multiples of a page. Returns the address; 0: not free, or out of memory.
 */
uint64_t ub_program_map(uint64_t at, uint64_t size, unsigned access);

/*
 * The same, beginning with `count` <= size bytes of the kernel, which must begin on a page and stay
 * for good: whole pages of them are mapped where they lie (copied at the first write), a last
 * broken page is copied, so that nothing behind it shows. A segment whose file goes on behind it
 * costs no copy when `count` covers the page to its end. The program sees what the kernel changes
 * in them later (the vDSO's data).
 */
uint64_t ub_program_map_bytes(uint64_t at, uint64_t size, unsigned access, const void *bytes,
                              size_t count);

/* A stack of `size` bytes at a random place, above and below it 1 MiB that stays unmapped. Returns
 * its lowest address, 0: out of memory. */
uint64_t ub_program_map_stack(uint64_t size);

/* Whatever of the range is mapped goes. False: out of memory. */
bool ub_program_unmap(uint64_t at, uint64_t size);

/* Where the program's data ends: brk(2) begins a random gap above it. */
void ub_program_break(uint64_t end);

/* Why the program may not do what faulted at `address`, for a signal's si_code. */
enum ub_program_fault {
    UB_PROGRAM_NOTHING,     /* no area there: SEGV_MAPERR */
    UB_PROGRAM_DENIED,      /* its access does not allow it: SEGV_ACCERR */
    UB_PROGRAM_BEYOND_FILE, /* a page behind the end of the mapped file: SIGBUS, BUS_ADRERR */
};
enum ub_program_fault ub_program_fault_reason(uint64_t address);

/* Resolves a page fault in the lower half; false when the program may not do what it did. */
bool ub_program_fault_resolve(uint64_t address, uint64_t error);

/* An area as /proc/self/maps tells it. */
struct ub_program_area {
    uint64_t start, end;
    unsigned access;
    bool shared;
    uint64_t offset;      /* in the file */
    struct ub_file *file; /* NULL: none; valid only while the area is there */
    const char *name;     /* "[heap]", "[stack]" or "" */
};
/* The area that holds `address`, else the first above it. False: none. */
bool ub_program_area_at(uint64_t address, struct ub_program_area *area);

/* Sums for /proc/self/status and getrusage, in pages: address space in areas, memory in use. */
struct ub_program_sizes {
    uint64_t mapped, resident, resident_maximum;
};
struct ub_program_sizes ub_program_sizes(void);

/* From the image: 1 when its program may have writable and executable memory. Weak here: 0. */
extern const uint8_t ub_image_allow_exec_mappings;

#endif
