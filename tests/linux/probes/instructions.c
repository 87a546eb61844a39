/*
 * Instructions at random, and with a preference for those that touch what the kernel relies on:
 * segments, flags, stacks, descriptor tables, control and debug registers, far returns. Whatever
 * they are, they end in a signal to the program, or do nothing to anybody else. Arguments: seed,
 * rounds.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "draw.h"

#define GUARD (3UL << 30) /* more than a displacement of 32 bits reaches */
#define SCRATCH (256UL << 10)
#define CODE_SIZE 64
#define STACK_SIZE 65536
#define NO_CALL 0x80000000UL      /* no number of a system call */
#define GET_THREAD_POINTER 0x1003 /* ARCH_GET_FS */

static uint64_t state;
static unsigned char *code, *data;
static sigjmp_buf back;
static unsigned counts[65];
/* For the assembly: what the handler puts back first, and what the code begins with. */
uint64_t saved_thread_pointer, first_stack, first_data, first_code;

static const struct {
    uint8_t length, bytes[10];
} chosen[] = {
    {2, {0x8e, 0xd8}}, /* mov ds, ax */
    {2, {0x8e, 0xc0}}, /* mov es, ax */
    {2, {0x8e, 0xd0}}, /* mov ss, ax */
    {2, {0x8e, 0xe0}}, /* mov fs, ax */
    {2, {0x8e, 0xe8}}, /* mov gs, ax */
    {1, {0xcb}},       /* retf */
    {2, {0x48, 0xcb}}, /* retf, 64 bits */
    {2, {0x48, 0xcf}}, /* iretq */
    {1, {0xcf}},       /* iretd */
    {1, {0x9d}},       /* popf */
    {2, {0x66, 0x9d}}, /* popf, 16 bits */
    {1, {0xf1}},       /* int1 */
    {1, {0xcc}},       /* int3 */
    {2, {0xcd, 0x80}}, /* int */
    {2, {0xcd, 0x02}},
    {2, {0xcd, 0x08}},
    {2, {0xcd, 0x0e}},
    {2, {0xcd, 0x20}},
    {2, {0xcd, 0x2e}},
    {3, {0x0f, 0x01, 0xf8}},                                /* swapgs */
    {3, {0x0f, 0x01, 0xcb}},                                /* stac */
    {3, {0x0f, 0x01, 0xd1}},                                /* xsetbv */
    {3, {0x0f, 0x01, 0xc1}},                                /* vmcall */
    {3, {0x0f, 0x01, 0xd9}},                                /* vmmcall */
    {3, {0x0f, 0x00, 0xd0}},                                /* lldt ax */
    {3, {0x0f, 0x00, 0xd8}},                                /* ltr ax */
    {3, {0x0f, 0x01, 0x10}},                                /* lgdt [rax] */
    {3, {0x0f, 0x01, 0x18}},                                /* lidt [rax] */
    {3, {0x0f, 0x01, 0x38}},                                /* invlpg [rax] */
    {3, {0x0f, 0x02, 0xd8}},                                /* lar ebx, eax */
    {3, {0x0f, 0x03, 0xd8}},                                /* lsl ebx, eax */
    {2, {0x0f, 0x06}},                                      /* clts */
    {2, {0x0f, 0x07}},                                      /* sysret */
    {3, {0x48, 0x0f, 0x07}},                                /* sysretq */
    {2, {0x0f, 0x34}},                                      /* sysenter */
    {2, {0x0f, 0x35}},                                      /* sysexit */
    {2, {0x0f, 0x30}},                                      /* wrmsr */
    {2, {0x0f, 0x32}},                                      /* rdmsr */
    {2, {0x0f, 0x33}},                                      /* rdpmc */
    {3, {0x0f, 0x22, 0xd8}},                                /* mov cr3, rax */
    {3, {0x0f, 0x22, 0xe0}},                                /* mov cr4, rax */
    {3, {0x0f, 0x23, 0xf8}},                                /* mov dr7, rax */
    {5, {0xf3, 0x48, 0x0f, 0xae, 0xd8}},                    /* wrgsbase rax */
    {5, {0xf3, 0x48, 0x0f, 0xae, 0xd0}},                    /* wrfsbase rax */
    {1, {0xf4}},                                            /* hlt */
    {1, {0xfa}},                                            /* cli */
    {1, {0xfb}},                                            /* sti */
    {1, {0xfd}},                                            /* std */
    {1, {0xec}},                                            /* in al, dx */
    {1, {0xef}},                                            /* out dx, eax */
    {2, {0x0f, 0x05}},                                      /* syscall */
    {10, {0x48, 0xbc, 0, 0, 0, 0, 0, 0x80, 0, 0}},          /* mov rsp, no address */
    {10, {0x48, 0xbc, 0, 0, 0, 0, 0x80, 0xff, 0xff, 0xff}}, /* mov rsp, one of the kernel */
    {3, {0x0f, 0xae, 0x28}},                                /* xrstor [rax] */
    {3, {0x0f, 0xae, 0x08}},                                /* fxrstor [rax] */
    {3, {0x0f, 0xae, 0x10}},                                /* ldmxcsr [rax] */
    {2, {0xd9, 0x28}},                                      /* fldcw [rax] */
    {2, {0x0f, 0x0b}},                                      /* ud2 */
};

/* Selectors, flags and addresses that a stack or a register may hold. */
static const uint64_t values[] = {0,
                                  3,
                                  8,
                                  0x10,
                                  0x18,
                                  0x1b,
                                  0x20,
                                  0x23,
                                  0x28,
                                  0x2b,
                                  0x30,
                                  0x33,
                                  0x3b,
                                  0xfff8,
                                  0xffff,
                                  0x100,
                                  0x4000,
                                  0x3000,
                                  0x40000,
                                  0x20200,
                                  0x7ffffffff000,
                                  0x800000000000,
                                  0xffff800000000000,
                                  0xffffffff80000000,
                                  ~0UL};

static uint64_t draw(void)
{
    return draw_from(&state) >> 11;
}

void enter(uint64_t rax);
void handle_first(int number);
void handle(int number);

/* Segments, flags and the thread pointer may be anything: nothing compiled runs before this. */
__asm__(".globl handle_first\n"
        "handle_first:\n"
        "    pushfq\n"
        "    andq $~0x44100, (%rsp)\n"
        "    popfq\n"
        "    cld\n"
        "    pushq %rdi\n"
        "    movl $158, %eax\n"
        "    movl $0x1002, %edi\n"
        "    movq saved_thread_pointer(%rip), %rsi\n"
        "    syscall\n"
        "    popq %rdi\n"
        "    jmp handle\n"
        ".globl enter\n"
        "enter:\n"
        "    movq first_stack(%rip), %rsp\n"
        "    movq %rdi, %rax\n"
        "    movq first_code(%rip), %r15\n"
        "    movq first_data(%rip), %rbx\n"
        "    movq %rbx, %rcx\n"
        "    movq %rbx, %rdx\n"
        "    movq %rbx, %rsi\n"
        "    movq %rbx, %rdi\n"
        "    movq %rbx, %rbp\n"
        "    movq %rbx, %r8\n"
        "    movq %rbx, %r9\n"
        "    movq %rbx, %r10\n"
        "    movq %rbx, %r11\n"
        "    movq %rbx, %r12\n"
        "    movq %rbx, %r13\n"
        "    movq %rbx, %r14\n"
        "    jmp *%r15\n");

void handle(int number)
{
    counts[number]++;
    siglongjmp(back, 1);
}

static void fill(void)
{
    for (size_t i = 0; i < CODE_SIZE;) {
        size_t which = draw() % (2 * sizeof chosen / sizeof *chosen);
        if (which < sizeof chosen / sizeof *chosen && i + chosen[which].length <= CODE_SIZE) {
            memcpy(code + i, chosen[which].bytes, chosen[which].length);
            i += chosen[which].length;
        } else {
            code[i++] = (unsigned char)draw();
        }
    }
    for (size_t i = 0; i < 4096; i += 8) {
        uint64_t value = draw() % 3 == 0 ? (uint64_t)code + draw() % CODE_SIZE
                                         : values[draw() % (sizeof values / sizeof *values)];
        memcpy(data + i, &value, sizeof value);
    }
}

/* Another one of the program, whose registers must stay its own. */
static void *bystander(void *unused)
{
    for (;;) {
        (void)sched_yield();
    }
    return unused;
}

static void prepare(void)
{
    static unsigned char stack[STACK_SIZE];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = handle_first, .sa_flags = SA_ONSTACK | SA_NODEFER};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGVTALRM};
    unsigned char *region =
        mmap(NULL, 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    data = region + GUARD;
    code = data + SCRATCH;
    if (region == MAP_FAILED || mprotect(data, SCRATCH, PROT_READ | PROT_WRITE) != 0 ||
        mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
        exit(1);
    }
    first_data = (uint64_t)data + 2048;
    first_stack = (uint64_t)data + 1024;
    first_code = (uint64_t)code;
    syscall(SYS_arch_prctl, GET_THREAD_POINTER, &saved_thread_pointer);
    sigaltstack(&alternate, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], &action, NULL);
    }
}

int main(int count, char **arguments)
{
    state = ((count > 1 ? strtoul(arguments[1], NULL, 0) : 1) + 1) * 0x9e3779b97f4a7c15UL;
    unsigned long rounds = count > 2 ? strtoul(arguments[2], NULL, 0) : 20000;
    pthread_t thread;
    sigset_t timer;
    sigemptyset(&timer);
    sigaddset(&timer, SIGVTALRM);
    pthread_sigmask(SIG_BLOCK, &timer, NULL); /* it is for this thread alone */
    if (pthread_create(&thread, NULL, bystander, NULL) != 0) {
        return 1;
    }
    pthread_sigmask(SIG_UNBLOCK, &timer, NULL);
    prepare();
    for (volatile unsigned long i = 0; i < rounds; i++) {
        const struct itimerval soon = {.it_value = {0, 1000}};
        fill();
        if (sigsetjmp(back, 1) == 0) {
            setitimer(ITIMER_VIRTUAL, &soon, NULL);
            enter(values[draw() % (sizeof values / sizeof *values)] | NO_CALL | draw() << 40);
        }
        setitimer(ITIMER_VIRTUAL, &(struct itimerval){0}, NULL);
    }
    printf("# segv %u, bus %u, ill %u, fpe %u, trap %u, time %u\n", counts[SIGSEGV], counts[SIGBUS],
           counts[SIGILL], counts[SIGFPE], counts[SIGTRAP], counts[SIGVTALRM]);
    puts("probe instructions expect=ok got=ok");
    return 0;
}
