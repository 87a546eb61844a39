/*
 * The program's first stack, as the System V ABI and Linux lay it out: argc, argv, NULL,
 * environment, NULL, auxiliary vector, and above them the strings. It lies at a random address with
 * an unmapped page below; its pages get memory when they are touched.
 */
#include "program.h"
#include "pvh.h"

#include <unibuild/image.h>
#include <unibuild/layout.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/random.h>
#include <unibuild/stack_protector.h>

#include <elf.h>
#include <string.h>

#define STACK_PAGES 256
#define STRINGS_MAXIMUM (64UL << 10)
#define WORDS_MAXIMUM 4096

int main(int, char **, char **);
_Noreturn int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv);

struct strings {
    const char *bytes;
    size_t length;
    size_t count;
};

static struct strings count_strings(const char *bytes, size_t length)
{
    struct strings strings = {bytes, length, 0};
    for (size_t i = 0; i < length; i++) {
        strings.count += bytes[i] == '\0';
    }
    return strings;
}

/* Where a stack is being filled, from its top down and for the pointers from `word` up. */
struct filler {
    char *top;
    uint64_t *word;
};

static char *push_bytes(struct filler *filler, const void *bytes, size_t length)
{
    filler->top -= length;
    return memcpy(filler->top, bytes, length);
}

static void push_pointers(struct filler *filler, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i += strlen(bytes + i) + 1) {
        *filler->word++ = (uint64_t)(bytes + i);
    }
}

static void push_auxiliary(struct filler *filler, uint64_t type, uint64_t value)
{
    *filler->word++ = type;
    *filler->word++ = value;
}

/* The one program header that the C library needs: that of thread-local storage. */
static const Elf64_Phdr *thread_local_header(void)
{
    static Elf64_Phdr header;
    header = (Elf64_Phdr){
        .p_type = PT_TLS,
        .p_flags = PF_R,
        .p_vaddr = (uint64_t)ub_image_tls_start,
        .p_filesz = ub_image_tls_file_size,
        .p_memsz = ub_image_tls_size,
        .p_align = ub_image_tls_alignment,
    };
    return &header;
}

_Noreturn static void enter(uint64_t *stack)
{
    int argc = (int)stack[0];
    __asm__ volatile("movq %0, %%rsp\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "pushq $0\n\t"
                     "pushq $0\n\t"
                     "call __libc_start_main\n\t"
                     "ud2"
                     :
                     : "r"(stack), "D"(main), "S"((long)argc), "d"(stack + 1)
                     : "memory");
    __builtin_unreachable();
}

_Noreturn void ub_program_start(void)
{
    struct strings arguments = count_strings(ub_image_arguments, (size_t)ub_image_arguments_length);
    struct strings environment =
        count_strings(ub_image_environment, (size_t)ub_image_environment_length);
    struct strings given = {NULL, 0, 0};
    size_t given_length = ub_command_line_split(ub_pvh.command_line);
    if (given_length > 0) {
        given = count_strings(ub_pvh.command_line, given_length);
        arguments.length = strnlen(arguments.bytes, arguments.length) + 1;
        arguments.count = 1;
    }
    size_t words = arguments.count + given.count + environment.count + 64;
    if (arguments.length + given.length + environment.length > STRINGS_MAXIMUM ||
        words > WORDS_MAXIMUM) {
        ub_panic("arguments and environment do not fit on the stack");
    }
    char *lowest = ub_program_stack_allocate(STACK_PAGES);
    if (lowest == NULL) {
        ub_panic("too little memory for the program's stack");
    }

    struct filler filler = {.top = lowest + STACK_PAGES * UB_PAGE_SIZE};
    filler.top -= ub_random_u64() & 0xff0;
    uint64_t random[2] = {__stack_chk_guard, ub_random_u64()};
    char *random_bytes = push_bytes(&filler, random, sizeof random);
    char *environment_bytes = push_bytes(&filler, environment.bytes, environment.length);
    char *given_bytes = push_bytes(&filler, given.bytes, given.length);
    char *argument_bytes = push_bytes(&filler, arguments.bytes, arguments.length);

    uint64_t *stack = (uint64_t *)(((uint64_t)filler.top - words * sizeof *stack) & ~15UL);
    filler.word = stack;
    *filler.word++ = arguments.count + given.count;
    push_pointers(&filler, argument_bytes, arguments.length);
    push_pointers(&filler, given_bytes, given.length);
    *filler.word++ = 0;
    push_pointers(&filler, environment_bytes, environment.length);
    *filler.word++ = 0;
    push_auxiliary(&filler, AT_PAGESZ, UB_PAGE_SIZE);
    push_auxiliary(&filler, AT_CLKTCK, 100);
    push_auxiliary(&filler, AT_RANDOM, (uint64_t)random_bytes);
    push_auxiliary(&filler, AT_EXECFN, (uint64_t)argument_bytes);
    if (ub_image_tls_size != 0) {
        push_auxiliary(&filler, AT_PHDR, (uint64_t)thread_local_header());
        push_auxiliary(&filler, AT_PHENT, sizeof(Elf64_Phdr));
        push_auxiliary(&filler, AT_PHNUM, 1);
    }
    push_auxiliary(&filler, AT_NULL, 0);
    enter(stack);
}
