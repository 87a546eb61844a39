/* For reports: which file lies where in the program's half, and how far from its own addresses. */
#include "loaded_image.h"

#include <unibuild/filesystem.h>
#include <unibuild/panic.h>
#include <unibuild/program_memory.h>
#include <unibuild/user.h>

#define DEPTH_MAXIMUM 16

static void print_object(uint64_t start, uint64_t end, uint64_t distance)
{
    ub_print("\x1e[unibuild] object %lx %lx %lx ", start, end, distance);
}

static void print_path(const struct ub_node *node)
{
    const struct ub_node *parts[DEPTH_MAXIMUM];
    size_t depth = 0;
    for (; node->parent != node && depth < DEPTH_MAXIMUM; node = node->parent) {
        parts[depth++] = node;
    }
    while (depth-- > 0) {
        ub_print("/");
        for (uint32_t i = 0; i < parts[depth]->name_length; i++) {
            ub_print("%c", parts[depth]->name[i]);
        }
    }
    ub_print("\n");
}

/* A library that the program's interpreter has mapped: by the segment that its text is. */
static void describe_area(const struct ub_program_area *area)
{
    const struct ub_node *node = area->file != NULL ? ub_file_node(area->file) : NULL;
    struct ub_elf elf;
    if ((area->access & UB_PROGRAM_EXECUTE) == 0 || node == NULL || node->content == NULL ||
        !S_ISREG(node->mode) || ub_elf_read(node->content, node->size, &elf) != NULL) {
        return;
    }
    for (size_t i = 0; i < elf.segment_count; i++) {
        if (elf.segments[i].offset == area->offset &&
            (elf.segments[i].access & UB_PROGRAM_EXECUTE) != 0) {
            print_object(area->start, area->end, area->start - elf.segments[i].address);
            print_path(node);
        }
    }
}

void ub_user_describe(void)
{
    for (size_t i = 0; i < UB_LOADED_COUNT; i++) {
        const struct ub_loaded_image *image = &ub_loaded_images[i];
        if (image->file != NULL) {
            print_object(ub_elf_lowest(&image->elf) + image->distance,
                         ub_elf_end(&image->elf) + image->distance, image->distance);
            ub_print("%s\n", image->path);
        }
    }
    struct ub_program_area area = {0};
    while (ub_program_area_at(area.end, &area)) {
        describe_area(&area);
    }
}
