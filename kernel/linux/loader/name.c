/* Names for /proc/self/maps. */
#include "loaded_image.h"

#include <unibuild/loader.h>

const char *ub_loaded_name(uint64_t address)
{
    for (size_t i = 0; i < UB_LOADED_COUNT; i++) {
        const struct ub_loaded_image *image = &ub_loaded_images[i];
        if (image->file != NULL && address >= ub_elf_lowest(&image->elf) + image->distance &&
            address < ub_elf_end(&image->elf) + image->distance) {
            return image->path;
        }
    }
    return address != 0 && address == ub_loaded_program.vdso ? "[vdso]" : NULL;
}
