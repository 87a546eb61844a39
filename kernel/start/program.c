/*
 * A program that is linked with the kernel: its stack and how the C library is entered. The stack
 * lies at a random address with an unmapped page below; its pages get memory when they are touched.
 */
#include "program.h"

#include <unibuild/first_stack.h>
#include <unibuild/image.h>
#include <unibuild/layout.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/random.h>
#include <unibuild/stack_protector.h>

#include <elf.h>

#define STACK_PAGES 256

const uint64_t ub_program_stack_size = STACK_PAGES * UB_PAGE_SIZE;

int main(int, char **, char **);
_Noreturn int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv);

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
    struct ub_first_stack first;
    ub_first_stack_gather(&first);
    char *lowest = ub_program_stack_allocate(STACK_PAGES);
    if (lowest == NULL) {
        ub_panic("too little memory for the program's stack");
    }
    size_t entries = 0;
    struct ub_auxiliary auxiliary[3];
    if (ub_image_tls_size != 0) {
        auxiliary[entries++] = (struct ub_auxiliary){AT_PHDR, (uint64_t)thread_local_header()};
        auxiliary[entries++] = (struct ub_auxiliary){AT_PHENT, sizeof(Elf64_Phdr)};
        auxiliary[entries++] = (struct ub_auxiliary){AT_PHNUM, 1};
    }
    uint64_t random[UB_STACK_RANDOM_WORDS] = {__stack_chk_guard, ub_random_u64()};
    char *stack = lowest + STACK_PAGES * UB_PAGE_SIZE - (ub_random_u64() & 0xff0) - first.size;
    ub_first_stack_write(&first, stack, (uint64_t)stack, auxiliary, entries, random);
    enter((uint64_t *)stack);
}
