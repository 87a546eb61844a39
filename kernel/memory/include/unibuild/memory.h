/*
 * Memory: pages, the kernel heap, and the address space.
 *
 * The lower half of the address space is the program's, the upper the kernel's:
 *
 *     0000_0000_0001_0000   the program: what it maps, its stacks
 *     ffff_8000_0000_0000   the direct map: all RAM above its first 64 KiB, read-write, never
 *                           executable; begins somewhere in the first 32 TiB here
 *     ffff_e080_0000_0000   the kernel's stacks and the registers of devices, from a base drawn at
 *                           boot on
 *     ffff_ffff_8000_0000   the image: .text read-execute, .rodata read-only, .data/.bss read-write
 *
 * No page is ever writable and executable, and nothing becomes executable after boot: of a program
 * that is linked with the kernel mmap and mprotect refuse PROT_EXEC with -EACCES.
 *
 * Functions here may be called from any thread and from interrupt handlers; they never sleep.
 * Failure to allocate is a NULL result, never a panic.
 */
#ifndef UNIBUILD_MEMORY_H
#define UNIBUILD_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define UB_PAGE_SIZE 4096UL
#define UB_PAGE_MASK (UB_PAGE_SIZE - 1)

/* Whole pages, zeroed, physically contiguous, in the direct map. NULL when out of memory. */
void *ub_page_allocate(size_t count);
/* `pages` and `count` must be those of one ub_page_allocate. */
void ub_page_free(void *pages, size_t count);
/* Free and total RAM in pages, as sysinfo tells them. */
size_t ub_page_free_count(void);
size_t ub_page_total_count(void);

/* Kernel heap: 16-byte aligned, not zeroed; a request above 2032 bytes takes whole pages. */
void *ub_heap_allocate(size_t size);
/* The same, zeroed. */
void *ub_heap_allocate_zeroed(size_t size);
/* NULL is allowed. */
void ub_heap_free(void *memory);

/*
 * A stack of `pages` pages with an unmapped guard page below it, for a thread. Returns its lowest
 * usable address (the stack's top is that + pages * UB_PAGE_SIZE), or NULL.
 */
void *ub_stack_allocate(size_t pages);
void ub_stack_free(void *lowest, size_t pages);
/*
 * The same for a program: at a random address, and its pages get memory only when touched. Kernel
 * code may run on it, as every system call does.
 */
void *ub_program_stack_allocate(size_t pages);

/*
 * The physical address of mapped memory, for a device to use. Memory from ub_page_allocate and
 * ub_heap_allocate is physically contiguous; program memory (mmap) is so only within a page. A page
 * of program memory that was never touched is given its memory first. Panics when `address` is not
 * mapped.
 */
uint64_t ub_physical_address(const void *address);

/*
 * Maps the registers of a device, uncached, read-write, no-execute; returns the virtual address for
 * `physical` (which need not be page aligned). Never unmapped. Panics when out of memory.
 */
void *ub_memory_map_device(uint64_t physical, size_t size);

/* RAM, page aligned, in rising order, none of it below UB_MEMORY_LOWEST. */
struct ub_memory_range {
    uint64_t start, end;
};
#define UB_MEMORY_LOWEST 0x10000UL

/*
 * Boot: takes over from the tables of the entry code. Called once, by kernel/start, with all RAM
 * that the monitor tells of; the image lies in it. Panics when the RAM cannot hold the page tables.
 */
void ub_memory_initialize(const struct ub_memory_range *ranges, size_t count);

#endif
