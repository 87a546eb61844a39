/* Handlers and what they find: alternate stacks, faults that a handler mends, registers and vector
 * state that a handler may change or must not. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "fact.h"

static sigjmp_buf away;
static char *page;
static volatile int code;
static volatile uintptr_t at, trap, error_code, cr2;

static void look(siginfo_t *information, void *context)
{
    const ucontext_t *now = context;
    code = information->si_code;
    at = (uintptr_t)information->si_addr;
    trap = (uintptr_t)now->uc_mcontext.gregs[REG_TRAPNO];
    error_code = (uintptr_t)now->uc_mcontext.gregs[REG_ERR];
    cr2 = (uintptr_t)now->uc_mcontext.gregs[REG_CR2];
}

static void leave(int signal, siginfo_t *information, void *context)
{
    look(information, context);
    siglongjmp(away, signal);
}

static void mend(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    look(information, context);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &action, NULL);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static void fault(const char *name, void (*make)(void))
{
    int signal = sigsetjmp(away, 1);
    if (signal == 0) {
        make();
        FACT("%s: nothing", name);
        return;
    }
    FACT("%s: signal %d, code %d, trap %d, error %d", name, signal, code, (int)trap,
         (int)error_code);
}

static void read_null(void)
{
    (void)*(volatile int *)8;
}

static void write_denied(void)
{
    *(volatile char *)page = 1;
}

static void write_text(void)
{
    *(volatile char *)(uintptr_t)read_null = 1;
}

static void read_kernel(void)
{
    (void)*(volatile char *)0xffffffff80000000;
}

static void not_canonical(void)
{
    (void)*(volatile char *)0x8000000000000000;
}

static void divide(void)
{
    __asm__ volatile("xorl %%edx, %%edx\n\tmovl $1, %%eax\n\txorl %%ecx, %%ecx\n\tdivl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx", "cc");
}

static void invalid(void)
{
    __asm__ volatile("ud2");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void jump_to_data(void)
{
    ((void (*)(void))page)();
}

/* On the x87, whose exceptions emulators raise too. */
static void divide_float(void)
{
    uint16_t control = 0x037f & ~4; /* division by zero is not masked */
    __asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(control));
}

static void faults(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        handle(signals[i], leave, 0);
    }
    fault("read near 0", read_null);
    FACT("address %d, cr2 %d", (int)at, (int)cr2);
    mprotect(page, 4096, PROT_READ);
    fault("write where only reading is allowed", write_denied);
    FACT("address is the page's: %d", at == (uintptr_t)page);
    mprotect(page, 4096, PROT_NONE);
    fault("write where nothing is allowed", write_denied);
    fault("write to instructions", write_text);
    fault("read the kernel", read_kernel);
    fault("no address at all", not_canonical);
    fault("divide by zero", divide);
    fault("invalid instruction", invalid);
    fault("breakpoint", breakpoint);
    fault("privileged instruction", privileged);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    *page = 0;
    fault("execute data", jump_to_data);
    fault("divide by zero, in floating point", divide_float);
}

/* ---- A handler that lets the instruction go on --------------------------------------------------
 */

static void mended(void)
{
    mprotect(page, 4096, PROT_READ);
    handle(SIGSEGV, mend, 0);
    *(volatile char *)page = 5;
    FACT("written after the handler: %d, code %d", *(volatile char *)page, code);
}

static void skip(int signal, siginfo_t *information, void *context)
{
    ucontext_t *now = context;
    (void)signal;
    (void)information;
    now->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
    now->uc_mcontext.gregs[REG_RBX] = 77;
    now->uc_mcontext.gregs[REG_EFL] |= 0x3400; /* privilege level and direction: one is refused */
}

static void changed(void)
{
    uint64_t rbx = 1, flags;
    handle(SIGILL, skip, 0);
    __asm__ volatile("ud2\n\tpushfq\n\tpopq %1\n\tcld" : "+b"(rbx), "=r"(flags) : : "cc");
    FACT("registers that the handler wrote: %d, flags %#x", (int)rbx, (int)(flags & 0x3400));
}

/* ---- Vector state -----------------------------------------------------------------------------
 */

static volatile int clean;

static void use_vectors(int signal)
{
    uint32_t control;
    uint64_t low;
    (void)signal;
    __asm__ volatile("stmxcsr %0\n\tmovq %%xmm5, %1" : "=m"(control), "=r"(low));
    clean = control == 0x1f80 && low == 0;
    __asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\tpcmpeqd %%xmm15, %%xmm15\n\tfldpi\n\tfldpi"
                     :
                     :
                     : "xmm5", "xmm15");
    control = 0x1f80 | 0x6000;
    __asm__ volatile("ldmxcsr %0" : : "m"(control));
}

static void vectors(void)
{
    struct sigaction action = {.sa_handler = use_vectors};
    uint32_t control = 0x1f80 | 0x2000, control_after;
    uint64_t five = 0x123456789abcdef0, five_after, fifteen_after;
    long double before = 1.0L / 3, after;
    long result, self = getpid();
    sigaction(SIGUSR1, &action, NULL);
    __asm__ volatile(
        "ldmxcsr %[control]\n\t"
        "movq %[five], %%xmm5\n\t"
        "movq %[five], %%xmm15\n\t"
        "fldt %[before]\n\t"
        "syscall\n\t"
        "fstpt %[after]\n\t"
        "movq %%xmm5, %[five_after]\n\t"
        "movq %%xmm15, %[fifteen_after]\n\t"
        "stmxcsr %[control_after]"
        : "=a"(result), [after] "=m"(after), [five_after] "=&r"(five_after),
          [fifteen_after] "=&r"(fifteen_after), [control_after] "=m"(control_after)
        : "a"(62L), "D"(self),
          "S"((long)SIGUSR1), [control] "m"(control), [five] "r"(five), [before] "m"(before)
        : "rcx", "r11", "xmm5", "xmm15", "memory");
    FACT("handler began clean: %d", clean);
    FACT("kept: %d %d %d %d %d", (int)result, five_after == five, fifteen_after == five,
         after == before, (int)(control_after & 0xffc0) == (int)control);
    control = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(control));
}

static void frame_marks(int signal, siginfo_t *information, void *context)
{
    const ucontext_t *now = context;
    const char *state = (const char *)now->uc_mcontext.fpregs;
    uint32_t first, size, last;
    memcpy(&first, state + 464, 4);
    memcpy(&size, state + 464 + 16, 4);
    memcpy(&last, state + size, 4);
    (void)signal;
    (void)information;
    FACT("state aligned %d, marks %#x %#x, context flags %#x", (int)((uintptr_t)state % 64), first,
         last, (unsigned)now->uc_flags);
    FACT("stack aligned %d", (int)((uintptr_t)__builtin_frame_address(0) % 16));
}

/* ---- Alternate stacks ---------------------------------------------------------------------------
 */

static char alternate[65536];
static volatile int depth;

static int on_alternate(const void *address)
{
    return (const char *)address >= alternate &&
           (const char *)address < alternate + sizeof alternate;
}

static void overflowed(int signal, siginfo_t *information, void *context)
{
    stack_t now;
    (void)signal;
    (void)information;
    (void)context;
    sigaltstack(NULL, &now);
    FACT("handler on the alternate stack: %d, flags %d", on_alternate(&now), now.ss_flags);
    FACT("change while on it: %s", answer(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL)));
    siglongjmp(away, 1);
}

__attribute__((noinline)) static int recurse(int level)
{
    volatile char room[4096];
    room[0] = (char)level;
    depth = level;
    if (level > 1000000) {
        return 0;
    }
    return recurse(level + 1) + room[0];
}

static void alternate_stack(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, now;
    FACT("too small: %s",
         answer(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 100}, NULL)));
    FACT("bad flags: %s",
         answer(sigaltstack(
             &(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate, .ss_flags = 64}, NULL)));
    sigaltstack(NULL, &now);
    FACT("none: flags %d", now.ss_flags);
    FACT("set: %s", answer(sigaltstack(&stack, NULL)));
    handle(SIGSEGV, overflowed, SA_ONSTACK);
    for (int i = 0; i < 2; i++) {
        if (sigsetjmp(away, 1) == 0) {
            FACT("never: %d", recurse(0));
        }
        FACT("back from an overflow: deep %d", depth > 100);
    }
}

int main(void)
{
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    faults();
    mended();
    changed();
    vectors();
    handle(SIGUSR2, frame_marks, 0);
    raise(SIGUSR2);
    alternate_stack();
    signal(SIGSEGV, SIG_DFL);
    read_null();
    return 0;
}
