/*
 * Frames of signals that the program has damaged: whatever rt_sigreturn is given, the kernel goes
 * on, and no privilege comes of it. Each round a signal's handler puts nonsense into its frame;
 * where that leads, a handler on another stack catches it. Arguments: seed, rounds.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "draw.h"

#include "probe.h"

#define STACK_SIZE (64 << 10)
#define LEGACY_SIZE 512
#define HEADER_SIZE 64
#define RING_MASK 3
#define PRIVILEGED_FLAGS 0x1a3000UL /* IOPL, VM, VIF, VIP */
#define CALL_GETPID 39
#define CALL_TGKILL 234

static sigjmp_buf back;
static uint64_t state;
static volatile unsigned returned, caught;
static volatile int privileged;

static uint64_t draw(void)
{
    return draw_from(&state);
}

static uint64_t below(uint64_t limit)
{
    return (draw() >> 11) % limit;
}

static uint64_t bad_address(void)
{
    static const uint64_t bad[] = {
        0,
        0x1000,
        0x7fffffffeff8,
        0x7ffffffff000,
        0x800000000000,
        0xffff800000000000,
        0xffffffff80000000,
        0xfffffffffffffff0,
        0x8000000000000000,
    };
    return bad[below(sizeof bad / sizeof *bad)];
}

static void damage_registers(ucontext_t *context)
{
    greg_t *registers = context->uc_mcontext.gregs;
    switch (below(4)) {
    case 0:
        registers[REG_RIP] = (greg_t)bad_address();
        break;
    case 1:
        registers[REG_RSP] = (greg_t)(below(2) ? bad_address() : draw());
        break;
    case 2:
        registers[REG_EFL] = (greg_t)draw();
        break;
    default: /* segments, and words that the kernel does not read back */
        registers[REG_CSGSFS + below(5)] = (greg_t)draw();
    }
}

static void damage_vectors(ucontext_t *context)
{
    unsigned char *state_bytes = (unsigned char *)context->uc_mcontext.fpregs;
    if (state_bytes == NULL) {
        return;
    }
    for (uint64_t i = below(8); i < 8; i++) {
        size_t at = below(2) ? below(32) : below(LEGACY_SIZE + HEADER_SIZE);
        state_bytes[at] = (unsigned char)draw();
    }
}

static void damage(int signal, siginfo_t *information, void *argument)
{
    (void)signal, (void)information;
    ucontext_t *context = argument;
    switch (below(5)) {
    case 0:
        damage_vectors(context);
        break;
    case 1:
        damage_registers(context);
        break;
    case 2:
        damage_registers(context);
        damage_vectors(context);
        break;
    case 3:
        context->uc_mcontext.fpregs =
            (void *)(below(2) ? bad_address() : bad_address() + draw() % 64);
        break;
    default:
        context->uc_flags = draw();
        context->uc_stack.ss_sp = (void *)draw();
        context->uc_stack.ss_flags = (int)draw();
        context->uc_stack.ss_size = draw();
    }
}

/* Also the way on when the frame did no harm: `ud2` stands behind the call. */
static void catch_all(int signal, siginfo_t *information, void *argument)
{
    (void)information;
    const greg_t *registers = ((ucontext_t *)argument)->uc_mcontext.gregs;
    privileged |= ((uint64_t)registers[REG_EFL] & PRIVILEGED_FLAGS) != 0;
    privileged |= ((uint64_t)registers[REG_CSGSFS] & RING_MASK) != RING_MASK;
    *(signal == SIGILL ? &returned : &caught) += 1;
    siglongjmp(back, 1);
}

static void set_stack(void)
{
    static unsigned char stack[STACK_SIZE];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
}

static void one_round(void)
{
    static const uint32_t vector_default = 0x1f80;
    __asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(vector_default));
    set_stack();
    if (sigsetjmp(back, 1) == 0) {
        /* The handler runs before the call is back. */
        __asm__ volatile("movl %0, %%eax\n\t"
                         "syscall\n\t"
                         "movl %%eax, %%edi\n\t"
                         "movl %%eax, %%esi\n\t"
                         "movl %1, %%edx\n\t"
                         "movl %2, %%eax\n\t"
                         "syscall\n\t"
                         "ud2"
                         :
                         : "i"(CALL_GETPID), "i"(SIGUSR1), "i"(CALL_TGKILL)
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory");
    }
}

int main(int count, char **words)
{
    struct probe_checks checks = {0};
    state = count > 1 ? strtoul(words[1], NULL, 0) * 0x9e3779b97f4a7c15UL + 1 : 1;
    unsigned long rounds = count > 2 ? strtoul(words[2], NULL, 0) : 5000;
    struct sigaction action = {.sa_sigaction = catch_all, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static const int faults[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigaction(faults[i], &action, NULL);
    }
    action.sa_sigaction = damage;
    sigaction(SIGUSR1, &action, NULL);
    for (unsigned long i = 0; i < rounds; i++) {
        one_round();
    }
    printf("# %u frames did no harm, %u ended in a signal\n", returned, caught);
    PROBE_CHECK(&checks, returned + caught == rounds);
    PROBE_CHECK(&checks, returned > rounds / 20 && caught > rounds / 20);
    PROBE_CHECK(&checks, !privileged);
    return probe_done("sigreturn", &checks);
}
