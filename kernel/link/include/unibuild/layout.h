/* Addresses that the linker script (image.ld) names; each symbol's address is what counts. */
#ifndef UNIBUILD_LAYOUT_H
#define UNIBUILD_LAYOUT_H

#include <stdint.h>

/* The image in memory, where it runs: text, constants, data; each begins on a page. */
extern const char ub_image_start[], ub_image_text_end[];
extern const char ub_image_rodata_start[], ub_image_rodata_end[];
extern const char ub_image_data_start[], ub_image_end[];

/*
 * How far the image runs above where it was loaded, drawn at boot in whole pages. Addresses of the
 * image less this are physical addresses, and those that its symbol file has.
 */
extern const uint64_t ub_image_slide;

/* The physical address of a part of the image. */
static inline uint64_t ub_image_physical(const void *part)
{
    return (uint64_t)part - ub_image_slide;
}

/* What to show people of an address: as the symbol file has it, or as it is outside the image. */
static inline uint64_t ub_image_shown(uint64_t address)
{
    uint64_t start = (uint64_t)ub_image_start;
    uint64_t end = (uint64_t)ub_image_end;
    return address >= start && address < end ? address - ub_image_slide : address;
}

/* The page tables that the entry code filled, for memory from physical address 0 on. */
extern uint64_t ub_entry_tables[], ub_entry_tables_end[];

/* Thread-local storage: the initial bytes; as values their count, the count in all, alignment. */
extern const char ub_image_tls_start[];
extern const uint64_t ub_image_tls_file_size, ub_image_tls_size, ub_image_tls_alignment;

/* Initializers of the linked components, in order of level (see initialize.h). */
typedef void (*ub_initializer)(void);
extern const ub_initializer ub_initializers_start[], ub_initializers_end[];

/* Sources of entropy of the linked components (see random.h). */
struct ub_entropy_source;
extern const struct ub_entropy_source *const ub_entropy_start[];
extern const struct ub_entropy_source *const ub_entropy_end[];

#endif
