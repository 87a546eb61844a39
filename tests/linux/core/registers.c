/*
 * What a system call leaves alone: all general registers but RAX, RCX and R11, the flags, and the
 * vector state; and what it puts in the three. Also with flags that the kernel must not run with.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "call.h"

struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags, after;
};

void call_with(struct registers *registers); /* loads, calls, stores */

__asm__(".text\n"
        ".globl call_with\n"
        "call_with:\n"
        "    pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "    pushq %rdi\n"
        "    pushq 120(%rdi)\n"
        "    movq 0(%rdi), %rax; movq 8(%rdi), %rbx; movq 16(%rdi), %rcx; movq 24(%rdi), %rdx\n"
        "    movq 32(%rdi), %rsi; movq 48(%rdi), %rbp; movq 56(%rdi), %r8; movq 64(%rdi), %r9\n"
        "    movq 72(%rdi), %r10; movq 80(%rdi), %r11; movq 88(%rdi), %r12; movq 96(%rdi), %r13\n"
        "    movq 104(%rdi), %r14; movq 112(%rdi), %r15; movq 40(%rdi), %rdi\n"
        "    popfq\n"
        "    syscall\n"
        "1:  pushfq\n"
        "    xchgq %rdi, 8(%rsp)\n"
        "    movq %rax, 0(%rdi); movq %rbx, 8(%rdi); movq %rcx, 16(%rdi); movq %rdx, 24(%rdi)\n"
        "    movq %rsi, 32(%rdi); movq %rbp, 48(%rdi); movq %r8, 56(%rdi); movq %r9, 64(%rdi)\n"
        "    movq %r10, 72(%rdi); movq %r11, 80(%rdi); movq %r12, 88(%rdi); movq %r13, 96(%rdi)\n"
        "    movq %r14, 104(%rdi); movq %r15, 112(%rdi)\n"
        "    popq 120(%rdi)\n"
        "    popq 40(%rdi)\n"
        "    leaq 1b(%rip), %rax\n"
        "    movq %rax, 128(%rdi)\n"
        "    pushq $0x202\n"
        "    popfq\n"
        "    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
        "    ret\n");

#define GETPPID 110
#define SCHED_YIELD 24
#define UNKNOWN 511

static void try(const char *text, uint64_t number, uint64_t flags)
{
    struct registers in;
    uint64_t *words = (uint64_t *)&in;
    for (unsigned i = 0; i < sizeof in / sizeof *words; i++) {
        words[i] = 0x1122334455660000 + i;
    }
    in.rax = number;
    in.flags = flags | 0x202;
    struct registers out = in;
    call_with(&out);
    int kept = 1;
    static const unsigned changed = 1U << 0 | 1U << 2 | 1U << 10 | 1U << 15 | 1U << 16;
    for (unsigned i = 0; i < sizeof in / sizeof *words; i++) {
        kept &= (changed >> i & 1) || words[i] == ((uint64_t *)&out)[i];
    }
    printf("%s: kept %d, rcx is next %d, r11 is flags %d, flags %lx, rax %ld\n", text, kept,
           out.rcx == out.after, out.r11 == out.flags, out.flags,
           number == UNKNOWN ? (long)out.rax : 0L);
}

/* A stack pointer that leads nowhere, or to the kernel, is nobody's business but the program's. */
static void stack_pointers(void)
{
    static const uint64_t pointers[] = {0,
                                        8,
                                        0x7ffffffff000,
                                        0x800000000000,
                                        0x8000000000000000,
                                        0xffff800000000000,
                                        0xffffffff80000000,
                                        0xfffffffffffffff8};
    /* Interrupts without signals. */
    const struct itimerspec often = {{0, 200000}, {0, 200000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    printf("timer %d\n", timerfd_settime(timer, 0, &often, NULL));
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        long result = GETPPID;
        uint64_t after;
        __asm__ volatile("movq %%rsp, %%rbx\n\t"
                         "movq %2, %%rsp\n\t"
                         "syscall\n\t"
                         "movl $20000000, %%ecx\n"
                         "1:  decl %%ecx\n\t"
                         "jnz 1b\n\t" /* long enough for interrupts */
                         "movq %%rsp, %1\n\t"
                         "movq %%rbx, %%rsp"
                         : "+a"(result), "=&r"(after)
                         : "r"(pointers[i])
                         : "rbx", "rcx", "r11", "memory", "cc");
        printf("stack pointer %lx: answers %d, kept %d\n", pointers[i], result >= 0,
               after == pointers[i]);
    }
    close(timer);
}

/* x87's and SSE's control words, and the registers, across many calls. */
static void vectors(void)
{
    uint8_t before[512] __attribute__((aligned(16))), after[512] __attribute__((aligned(16)));
    uint32_t control = 0x3f80; /* round down, all masked */
    uint16_t float_control = 0x0f7f;
    __asm__ volatile("fldcw %0; ldmxcsr %1; fldpi; fld1" : : "m"(float_control), "m"(control));
    vector_registers registers;
    for (unsigned i = 0; i < sizeof registers; i++) {
        ((uint8_t *)registers)[i] = (uint8_t)(i * 7);
    }
    load_half((const vector_registers *)&registers);
    __asm__ volatile("fxsave64 %0" : "=m"(before));
    for (int i = 0; i < 1000; i++) {
        (void)call6(i % 2 ? GETPPID : SCHED_YIELD, 0, 0, 0, 0, 0, 0);
    }
    __asm__ volatile("fxsave64 %0" : "=m"(after));
    __asm__ volatile("fninit");
    printf("vector state kept: %d\n", memcmp(before, after, 416) == 0);
}

int main(void)
{
    try("plain", GETPPID, 0);
    try("yield", SCHED_YIELD, 0);
    try("unknown", UNKNOWN, 0);
    try("carry, parity, zero, sign, overflow", GETPPID, 0x8c5);
    try("direction", GETPPID, 0x400);
    try("nested task", GETPPID, 0x4000);
    try("alignment check", GETPPID, 0x40000);
    try("identification", GETPPID, 0x200000);
    try("privilege level", GETPPID, 0x3000);
    try("all", GETPPID, 0x244cd5);
    stack_pointers();
    vectors();
    return 0;
}
