/*
 * What ring 3 may not do: each forbidden instruction or address is a signal, and the program goes
 * on. For each: the signal's name, and whether si_addr is the address that was touched.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static sigjmp_buf back;
static volatile int caught;
static void *volatile where;

static void handle(int number, siginfo_t *information, void *context)
{
    (void)context;
    caught = number;
    where = information->si_addr;
    siglongjmp(back, 1);
}

static const char *name(int number)
{
    switch (number) {
    case 0:
        return "nothing";
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGILL:
        return "SIGILL";
    case SIGFPE:
        return "SIGFPE";
    case SIGTRAP:
        return "SIGTRAP";
    default:
        return "another";
    }
}

#define TRY(text, ...)                                                                             \
    do {                                                                                           \
        caught = 0;                                                                                \
        if (sigsetjmp(back, 1) == 0) {                                                             \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        printf("%s: %s\n", text, name(caught));                                                    \
    } while (0)

#define INSTRUCTION(text) TRY(text, __asm__ volatile(text : : : "memory", "rax", "rcx", "rdx"))

static void instructions(void)
{
    INSTRUCTION("hlt");
    INSTRUCTION("cli");
    INSTRUCTION("sti");
    INSTRUCTION("inb $0x60, %%al");
    INSTRUCTION("outb %%al, $0x80");
    INSTRUCTION("movl $0xc0000080, %%ecx; rdmsr");
    INSTRUCTION("movl $0xc0000101, %%ecx; wrmsr");
    INSTRUCTION("xorl %%ecx, %%ecx; rdpmc");
    INSTRUCTION("xorl %%ecx, %%ecx; movl $3, %%eax; xorl %%edx, %%edx; xsetbv");
    INSTRUCTION("movq %%cr0, %%rax");
    INSTRUCTION("movq %%rax, %%cr3");
    INSTRUCTION("movq %%cr4, %%rax");
    INSTRUCTION("movq %%rax, %%dr7");
    INSTRUCTION("invlpg (%%rsp)");
    INSTRUCTION("invd");
    INSTRUCTION("wbinvd");
    INSTRUCTION("clts");
    INSTRUCTION("swapgs");
    INSTRUCTION("sysretq");
    INSTRUCTION("lgdt -16(%%rsp)");
    INSTRUCTION("lidt -16(%%rsp)");
    INSTRUCTION("xorl %%eax, %%eax; lldt %%ax");
    INSTRUCTION("movl $0x40, %%eax; ltr %%ax");
    INSTRUCTION("clac");
    INSTRUCTION("stac");
    INSTRUCTION("ud2");
    INSTRUCTION("int3");
    INSTRUCTION("int $14");
    INSTRUCTION("int $2");
    INSTRUCTION("int $32");
    INSTRUCTION("int $112");
    INSTRUCTION("int $0xff");
    INSTRUCTION("movl $1, %%eax; xorl %%edx, %%edx; xorl %%ecx, %%ecx; divl %%ecx");
    INSTRUCTION("rdtsc");
}

static void selectors(void)
{
    INSTRUCTION("movl $0x2b, %%eax; movl %%eax, %%ds; movl %%eax, %%es");
    INSTRUCTION("movl $0x2b, %%eax; movl %%eax, %%gs");
    INSTRUCTION("xorl %%eax, %%eax; movl %%eax, %%gs; movl %%eax, %%ds; movl %%eax, %%es");
    INSTRUCTION("movl $0x08, %%eax; movl %%eax, %%gs");
    INSTRUCTION("movl $0x10, %%eax; movl %%eax, %%ds");
    INSTRUCTION("movl $0xfff8, %%eax; movl %%eax, %%es");
    INSTRUCTION("xorl %%eax, %%eax; movl %%eax, %%ss");
    INSTRUCTION("movl $0x18, %%eax; movl %%eax, %%ss");
    INSTRUCTION("pushq $0x10; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: nop");
    INSTRUCTION("pushq $0x08; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: nop");
    INSTRUCTION("pushq $0x2b; leaq -8(%%rsp), %%rax; pushq %%rax; pushq $0x202; pushq $0x10; "
                "leaq 1f(%%rip), %%rax; pushq %%rax; iretq; 1: nop");
}

/* Both to read and to write, and to jump to. */
static void address(const char *text, uint64_t at)
{
    caught = 0;
    where = NULL;
    if (sigsetjmp(back, 1) == 0) {
        (void)*(volatile char *)at;
    }
    int read = caught;
    int right = (uint64_t)where == at;
    caught = 0;
    if (sigsetjmp(back, 1) == 0) {
        *(volatile char *)at = 1;
    }
    int written = caught;
    caught = 0;
    if (sigsetjmp(back, 1) == 0) {
        ((void (*)(void))at)();
    }
    printf("%s: read %s (address %d), write %s, call %s\n", text, name(read), right, name(written),
           name(caught));
}

static void addresses(void)
{
    address("null", 0);
    address("lowest", 0xfff8);
    address("last page", 0x7ffffffff000);
    address("not canonical", 0x800000000000);
    address("not canonical either", 0xffff7fffffffffff);
    address("last byte", UINT64_MAX);
    address("upper half", 0xffff800000000000);
    address("usual kernel", 0xffffffff81000000);

    /* Somewhere in the upper half is the kernel: nothing of it can be read. */
    unsigned long readable = 0;
    for (uint64_t at = 0xffff800000000000; at != 0; at += 1UL << 34) {
        caught = 0;
        if (sigsetjmp(back, 1) == 0) {
            (void)*(volatile char *)(at + 0x200000);
        }
        readable += caught == 0;
    }
    for (uint64_t at = 0xffffffff80000000; at != 0; at += 1UL << 19) {
        caught = 0;
        if (sigsetjmp(back, 1) == 0) {
            (void)*(volatile char *)at;
        }
        readable += caught == 0;
    }
    printf("readable above: %lu\n", readable);
    printf("ended in order: %d\n", fflush(stdout));
}

int main(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, NULL);
    }
    instructions();
    selectors();
    addresses();
    return 0;
}
