/*
 * Ways into a kernel that Linux has and these images have not, and instructions that tell where the
 * kernel's tables are: each is a signal. For images only, where the processor has UMIP.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf back;
static volatile int caught;

static void handle(int number)
{
    caught = number;
    siglongjmp(back, 1);
}

#define TRY(text)                                                                                  \
    do {                                                                                           \
        caught = 0;                                                                                \
        if (sigsetjmp(back, 1) == 0) {                                                             \
            __asm__ volatile(text : : : "memory", "rax", "rcx", "rdx", "r11", "cc");               \
        }                                                                                          \
        printf("%s: %s\n", text,                                                                   \
               caught == SIGSEGV  ? "refused"                                                      \
               : caught == SIGILL ? "unknown"                                                      \
                                  : "done");                                                       \
    } while (0)

int main(void)
{
    signal(SIGSEGV, handle);
    signal(SIGILL, handle);
    TRY("int $0x80");
    TRY("sysenter");
    TRY("sgdt -64(%%rsp)");
    TRY("sidt -64(%%rsp)");
    TRY("sldt %%eax");
    TRY("str %%eax");
    TRY("smsw %%eax");
    TRY("xorl %%eax, %%eax; wrfsbase %%rax");
    TRY("rdgsbase %%rax");
    TRY("pushq $0x23; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: nop");
    TRY("movl $0x20, %%eax; movl %%eax, %%gs");
    TRY("movl $0x1b, %%eax; movl %%eax, %%es");
    TRY("int $8");
    TRY("int $18");
    return 0;
}
