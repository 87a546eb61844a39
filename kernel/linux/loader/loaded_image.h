/* ELF files of the root file system that the kernel has mapped for the program. */
#ifndef UNIBUILD_LOADED_IMAGE_H
#define UNIBUILD_LOADED_IMAGE_H

#include "program_elf.h"

struct ub_loaded_image {
    const char *path;
    const unsigned char *file; /* NULL: there is none */
    struct ub_elf elf;
    uint64_t distance; /* of its addresses in memory above those in the file */
};

enum { UB_LOADED_PROGRAM, UB_LOADED_INTERPRETER, UB_LOADED_COUNT };
extern struct ub_loaded_image ub_loaded_images[UB_LOADED_COUNT];

/* Maps the file; panics with path and reason when it cannot be. */
void ub_load(struct ub_loaded_image *image, const char *path);

#endif
