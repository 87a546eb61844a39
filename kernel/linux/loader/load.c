/* From a path to mapped segments. */
#include "loaded_image.h"

#include <unibuild/filesystem.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/program_memory.h>

struct ub_loaded_image ub_loaded_images[UB_LOADED_COUNT];

static void read_file(struct ub_loaded_image *image, const char *path)
{
    struct ub_node *node;
    if (ub_path_find(AT_FDCWD, path, UB_FOLLOW, &node) != 0 || !S_ISREG(node->mode)) {
        ub_panic("%s: no such file in the image", path);
    }
    image->path = path;
    image->file = node->content;
    const char *wrong = ub_elf_read(node->content, node->size, &image->elf);
    if (wrong != NULL) {
        ub_panic("%s: %s", path, wrong);
    }
    if (((uint64_t)node->content & UB_PAGE_MASK) != 0) {
        ub_panic("%s: does not begin on a page of the image", path);
    }
}

static void place(struct ub_loaded_image *image)
{
    if (!image->elf.movable) {
        return;
    }
    uint64_t lowest = ub_elf_lowest(&image->elf) & ~(image->elf.alignment - 1);
    uint64_t at = ub_program_place(ub_elf_end(&image->elf) - lowest, image->elf.alignment);
    if (at == 0) {
        ub_panic("%s: no room in the program's addresses", image->path);
    }
    image->distance = at - lowest;
}

void ub_load(struct ub_loaded_image *image, const char *path)
{
    const unsigned both = UB_PROGRAM_WRITE | UB_PROGRAM_EXECUTE;
    read_file(image, path);
    place(image);
    for (size_t i = 0; i < image->elf.segment_count; i++) {
        const struct ub_segment *segment = &image->elf.segments[i];
        if ((segment->access & both) == both && ub_image_allow_exec_mappings == 0) {
            ub_panic("%s: a segment is writable and executable", path);
        }
        if (ub_program_map_bytes(segment->address + image->distance, segment->size, segment->access,
                                 image->file + segment->offset, segment->count) == 0) {
            ub_panic("%s: too little memory, or its addresses are taken", path);
        }
    }
}
