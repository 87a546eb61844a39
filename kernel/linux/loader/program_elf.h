/*
 * What the loader uses of a program's ELF file, checked. The file was checked when the image was
 * built, but the kernel takes no one's word: nothing here is used before it is bounded, and what
 * comes out can be mapped without another look at the file.
 */
#ifndef UNIBUILD_PROGRAM_ELF_H
#define UNIBUILD_PROGRAM_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UB_SEGMENTS_MAXIMUM 16

/* Whole pages at `address`, from the file's page at `offset`: `count` bytes of it, then zeroes. */
struct ub_segment {
    uint64_t address, size;
    uint64_t offset, count;
    unsigned access; /* UB_PROGRAM_* */
};

/* Addresses as the file has them; a program that can be moved runs a distance above them. */
struct ub_elf {
    bool movable;
    uint64_t entry;
    uint64_t headers; /* where the program headers are in memory, 0: nowhere */
    uint16_t header_count;
    uint64_t alignment;      /* that the distance must have */
    const char *interpreter; /* in the file, ended by a NUL; NULL: none */
    size_t segment_count;
    struct ub_segment segments[UB_SEGMENTS_MAXIMUM]; /* in rising order */
};

/* Returns NULL, or what is wrong with the `size` bytes of `file`. */
const char *ub_elf_read(const void *file, uint64_t size, struct ub_elf *elf);

static inline uint64_t ub_elf_lowest(const struct ub_elf *elf)
{
    return elf->segments[0].address;
}

static inline uint64_t ub_elf_end(const struct ub_elf *elf)
{
    const struct ub_segment *last = &elf->segments[elf->segment_count - 1];
    return last->address + last->size;
}

#endif
