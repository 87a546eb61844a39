/*
 * What a handler may change in the frame that rt_sigreturn takes back, and what happens when it
 * puts there what no program can have: instruction pointers, flags, and a broken vector state.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "call.h"

#define GETTID 186
#define TKILL 200
#define GETPPID 110
#define FLAG_TRAP 0x100
#define RESERVED_AT 464
#define HEADER_AT 512
#define UPPER_HALVES_AT 576
#define REGISTERS_AT 160

static sigjmp_buf back;
static void (*change)(ucontext_t *context, unsigned char *vector);
static volatile int steps;

static void handle(int number, siginfo_t *information, void *data)
{
    (void)number;
    (void)information;
    ucontext_t *context = data;
    change(context, (unsigned char *)context->uc_mcontext.fpregs);
}

static void fail(int number)
{
    siglongjmp(back, number);
}

static void step(int number, siginfo_t *information, void *data)
{
    (void)number;
    (void)information;
    ucontext_t *context = data;
    if (++steps >= 8) {
        context->uc_mcontext.gregs[REG_EFL] &= ~(long)FLAG_TRAP;
    }
}

static uint64_t flags_now(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags;
}

static void set_instruction(ucontext_t *context, uint64_t at)
{
    context->uc_mcontext.gregs[REG_RIP] = (long long)at;
}

static void not_canonical(ucontext_t *context, unsigned char *vector)
{
    (void)vector;
    set_instruction(context, 0x800000000000);
}

static void upper_half(ucontext_t *context, unsigned char *vector)
{
    (void)vector;
    set_instruction(context, 0xffff800000000000);
}

static void last_page(ucontext_t *context, unsigned char *vector)
{
    (void)vector;
    set_instruction(context, 0x7ffffffff000);
}

static void all_flags(ucontext_t *context, unsigned char *vector)
{
    (void)vector;
    context->uc_mcontext.gregs[REG_EFL] |= 0x3f7ad5; /* but for TF, DF and IF */
    context->uc_mcontext.gregs[REG_EFL] &= ~0x200LL;
}

static void registers(ucontext_t *context, unsigned char *vector)
{
    (void)context;
    memset(vector + REGISTERS_AT, 0x11, 16);
    memset(vector + UPPER_HALVES_AT, 0x22, 16);
    *(uint64_t *)(vector + HEADER_AT) |= 7;
}

static void no_magic(ucontext_t *context, unsigned char *vector)
{
    registers(context, vector);
    memset(vector + RESERVED_AT, 0, 48);
}

static void no_state(ucontext_t *context, unsigned char *vector)
{
    (void)vector;
    context->uc_mcontext.fpregs = NULL;
}

static void state_of_kernel(ucontext_t *context, unsigned char *vector)
{
    (void)vector;
    context->uc_mcontext.fpregs = (void *)0xffffffff80000000;
}

static void unknown_parts(ucontext_t *context, unsigned char *vector)
{
    (void)context;
    *(uint64_t *)(vector + HEADER_AT) |= 1UL << 62;
}

static void compact_parts(ucontext_t *context, unsigned char *vector)
{
    (void)context;
    *(uint64_t *)(vector + HEADER_AT + 8) = 1UL << 63;
}

static void reserved_control(ucontext_t *context, unsigned char *vector)
{
    (void)context;
    *(uint32_t *)(vector + 24) = 0xffffffff;
}

static void try(const char *text, void (*what)(ucontext_t *, unsigned char *))
{
    static vector_registers before, after;
    memset(before, 0x33, sizeof before);
    change = what;
    int failed = sigsetjmp(back, 1);
    if (failed == 0) {
        long id = call6(GETTID, 0, 0, 0, 0, 0, 0);
        load_whole((const vector_registers *)&before);
        (void)call6(TKILL, id, SIGUSR1, 0, 0, 0, 0);
        store_whole(&after);
    }
    uint64_t flags = flags_now();
    __asm__ volatile("pushq $0x202; popfq" : : : "memory", "cc");
    printf("%s: ", text);
    if (failed != 0) {
        printf("signal %d\n", failed);
    } else {
        printf("first %02x %02x, last %02x %02x, flags %lx\n", after[0][0], after[0][16],
               after[15][0], after[15][16], flags & 0x3f7200);
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    action = (struct sigaction){.sa_handler = fail};
    sigaction(SIGSEGV, &action, NULL);
    try("registers", registers);
    try("no magic number", no_magic);
    try("no state", no_state);
    try("not canonical", not_canonical);
    try("upper half", upper_half);
    try("last page", last_page);
    try("state of the kernel", state_of_kernel);
    try("unknown parts", unknown_parts);
    try("compact parts", compact_parts);
    try("reserved control bits", reserved_control);
    try("all flags", all_flags);

    action = (struct sigaction){.sa_sigaction = step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    long parent = call6(GETPPID, 0, 0, 0, 0, 0, 0);
    long answer = GETPPID;
    __asm__ volatile("pushfq\n\t"
                     "orq $0x100, (%%rsp)\n\t"
                     "popfq\n\t"
                     "nop\n\t"
                     "syscall\n\t"
                     "nop\n\t"
                     "movl $1, %%ecx\n\t"
                     "nop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop"
                     : "+a"(answer)
                     :
                     : "rcx", "r11", "memory", "cc");
    printf("steps %d, the call answers %d, flags %lx\n", steps, answer == parent,
           flags_now() & FLAG_TRAP);
    return 0;
}
