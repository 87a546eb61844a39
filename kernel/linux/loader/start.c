/* Maps the program, its interpreter and a stack, and leaves for ring 3. */
#include "program_elf.h"

#include <unibuild/filesystem.h>
#include <unibuild/first_stack.h>
#include <unibuild/image.h>
#include <unibuild/loader.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/program_memory.h>
#include <unibuild/random.h>
#include <unibuild/registers.h>
#include <unibuild/user.h>

#include <elf.h>

#pragma weak ub_vdso_map

#define CONTROL4_FSGSBASE (1UL << 16)
#define CONTROL4_OSXSAVE (1UL << 18)
#define HWCAP2_FSGSBASE 2
/* A signal's frame without vector state, and that state without XSAVE. */
#define SIGNAL_FRAME_SIZE 520
#define FXSAVE_SIZE 512
/* Below the stack's top, so that frames do not begin on the same byte of a page each time. */
#define STACK_JITTER 0xff0

/* As on Linux; it gets memory page by page as it is touched. */
#define STACK_SIZE (8UL << 20)

const uint64_t ub_program_stack_size = STACK_SIZE;

/* A file of the root file system in memory. */
struct image {
    const char *path;
    const unsigned char *file;
    struct ub_elf elf;
    uint64_t distance; /* of its addresses in memory above those in the file */
};

static void read_image(struct image *image, const char *path)
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

static void place(struct image *image)
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

static void map_image(struct image *image)
{
    const unsigned both = UB_PROGRAM_WRITE | UB_PROGRAM_EXECUTE;
    place(image);
    for (size_t i = 0; i < image->elf.segment_count; i++) {
        const struct ub_segment *segment = &image->elf.segments[i];
        if ((segment->access & both) == both && ub_image_allow_exec_mappings == 0) {
            ub_panic("%s: a segment is writable and executable", image->path);
        }
        if (ub_program_map_bytes(segment->address + image->distance, segment->size, segment->access,
                                 image->file + segment->offset, segment->count) == 0) {
            ub_panic("%s: too little memory, or its addresses are taken", image->path);
        }
    }
}

static uint64_t signal_stack_minimum(void)
{
    bool extended = (ub_control4_read() & CONTROL4_OSXSAVE) != 0;
    uint64_t vector_state = extended ? ub_cpuid(0xd, 0).ebx : FXSAVE_SIZE;
    return (SIGNAL_FRAME_SIZE + vector_state + 15) & ~15UL;
}

/* Copies the first stack to the program and returns its stack pointer. */
static uint64_t make_stack(const struct ub_auxiliary *auxiliary, size_t count)
{
    struct ub_first_stack first;
    ub_first_stack_gather(&first);
    uint64_t lowest = ub_program_map_stack(STACK_SIZE);
    uint64_t at = lowest + STACK_SIZE - (ub_random_u64() & STACK_JITTER) - first.size;
    void *block = ub_heap_allocate_zeroed(first.size);
    if (lowest == 0 || block == NULL) {
        ub_panic("too little memory for the program's stack");
    }
    uint64_t random[UB_STACK_RANDOM_WORDS] = {ub_random_u64(), ub_random_u64()};
    ub_first_stack_write(&first, block, at, auxiliary, count, random);
    if (!ub_user_copy_out(at, block, first.size)) {
        ub_panic("too little memory for the program's stack");
    }
    ub_heap_free(block);
    return at;
}

_Noreturn static void enter(const struct image *program, const struct image *interpreter)
{
    const struct ub_elf *elf = &program->elf;
    const struct image *first = interpreter != NULL ? interpreter : program;
    uint64_t headers = elf->headers == 0 ? 0 : elf->headers + program->distance;
    uint64_t base = interpreter == NULL ? 0 : interpreter->distance;
    uint64_t vdso = ub_vdso_map != NULL ? ub_vdso_map() : 0;
    bool fsgsbase = (ub_control4_read() & CONTROL4_FSGSBASE) != 0;
    const struct ub_auxiliary auxiliary[] = {
        {vdso != 0 ? AT_SYSINFO_EHDR : AT_IGNORE, vdso},
        {AT_MINSIGSTKSZ, signal_stack_minimum()},
        {AT_HWCAP, ub_cpuid(1, 0).edx},
        {AT_HWCAP2, fsgsbase ? HWCAP2_FSGSBASE : 0},
        {AT_PHDR, headers},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, elf->header_count},
        {AT_BASE, base},
        {AT_FLAGS, 0},
        {AT_ENTRY, elf->entry + program->distance},
        {AT_UID, 0},
        {AT_EUID, 0},
        {AT_GID, 0},
        {AT_EGID, 0},
        {AT_SECURE, 0},
    };
    _Static_assert(sizeof auxiliary / sizeof *auxiliary <= UB_AUXILIARY_MAXIMUM, "room for all");
    uint64_t stack = make_stack(auxiliary, sizeof auxiliary / sizeof *auxiliary);
    ub_user_enter(first->elf.entry + first->distance, stack);
}

_Noreturn void ub_linux_start(void)
{
    static struct image program, interpreter;
    read_image(&program, ub_image_program);
    map_image(&program);
    ub_program_break(ub_elf_end(&program.elf) + program.distance);
    if (program.elf.interpreter == NULL) {
        enter(&program, NULL);
    }
    read_image(&interpreter, program.elf.interpreter);
    if (interpreter.elf.interpreter != NULL) {
        ub_panic("%s: an interpreter that has one itself", interpreter.path);
    }
    map_image(&interpreter);
    enter(&program, &interpreter);
}
