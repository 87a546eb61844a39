/* Maps the program, its interpreter and a stack, and leaves for ring 3. */
#include "loaded_image.h"

#include <unibuild/first_stack.h>
#include <unibuild/image.h>
#include <unibuild/linux_signal.h>
#include <unibuild/loader.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/program_memory.h>
#include <unibuild/random.h>
#include <unibuild/registers.h>
#include <unibuild/user.h>

#include <elf.h>

#pragma weak ub_vdso_map
#pragma weak ub_signal_frame_size

#define CONTROL4_FSGSBASE (1UL << 16)
#define HWCAP2_FSGSBASE 2
/* What Linux told before it asked the processor; for programs that no signal can reach. */
#define SIGNAL_STACK_SIZE 2048
/* Below the stack's top, so that frames do not begin on the same byte of a page each time. */
#define STACK_JITTER 0xff0

/* As on Linux; it gets memory page by page as it is touched. */
#define STACK_SIZE (8UL << 20)

const uint64_t ub_program_stack_size = STACK_SIZE;

/* Reports refer to it weakly, so that only images with a loader have it: this is what links it. */
static void (*const describe)(void) __attribute__((used, retain)) = ub_user_describe;

struct ub_loaded_program ub_loaded_program;

/* Keeps the block that the program has a copy of. */
static void remember(const struct ub_first_stack *first, const uint64_t *block)
{
    const uint64_t *word = block + 1 + first->count + 1;
    while (*word++ != 0) {}
    const Elf64_auxv_t *start = (const void *)word, *last = start;
    while (last->a_type != AT_NULL) {
        last++;
    }
    const char *strings = (const char *)(block + first->words);
    size_t arguments = first->arguments.length + first->given.length;
    ub_loaded_program = (struct ub_loaded_program){
        .vdso = ub_loaded_program.vdso,
        .arguments = strings,
        .environment = strings + arguments,
        .arguments_size = arguments,
        .environment_size = first->environment.length,
        .auxiliary = start,
        .auxiliary_size = (size_t)((const char *)(last + 1) - (const char *)start),
    };
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
    remember(&first, block);
    return at;
}

_Noreturn static void enter(void)
{
    const struct ub_loaded_image *program = &ub_loaded_images[UB_LOADED_PROGRAM];
    const struct ub_loaded_image *interpreter = &ub_loaded_images[UB_LOADED_INTERPRETER];
    const struct ub_elf *elf = &program->elf;
    const struct ub_loaded_image *first = interpreter->file != NULL ? interpreter : program;
    uint64_t headers = elf->headers == 0 ? 0 : elf->headers + program->distance;
    uint64_t vdso = ub_vdso_map != NULL ? ub_vdso_map() : 0;
    ub_loaded_program.vdso = vdso;
    bool fsgsbase = (ub_control4_read() & CONTROL4_FSGSBASE) != 0;
    const struct ub_auxiliary auxiliary[] = {
        {vdso != 0 ? AT_SYSINFO_EHDR : AT_IGNORE, vdso},
        {AT_MINSIGSTKSZ, ub_signal_frame_size != NULL ? ub_signal_frame_size() : SIGNAL_STACK_SIZE},
        {AT_HWCAP, ub_cpuid(1, 0).edx},
        {AT_HWCAP2, fsgsbase ? HWCAP2_FSGSBASE : 0},
        {AT_PHDR, headers},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, elf->header_count},
        {AT_BASE, interpreter->distance},
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
    struct ub_loaded_image *program = &ub_loaded_images[UB_LOADED_PROGRAM];
    ub_load(program, ub_image_program);
    ub_program_break(ub_elf_end(&program->elf) + program->distance);
    if (program->elf.interpreter != NULL) {
        struct ub_loaded_image *interpreter = &ub_loaded_images[UB_LOADED_INTERPRETER];
        ub_load(interpreter, program->elf.interpreter);
        if (interpreter->elf.interpreter != NULL) {
            ub_panic("%s: an interpreter that has one itself", interpreter->path);
        }
    }
    enter();
}
