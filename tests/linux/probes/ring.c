/*
 * What a program in ring 3 cannot do: reach the kernel's half, use privileged instructions, learn
 * where the kernel's tables are, and have the kernel use an address of the kernel's for it. Each
 * act has to end in SIGSEGV, or be answered with EFAULT, and the program goes on.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

/* Where Linux has, and unibuild may have, something; the first address above the program's half;
 * and one that is no address at all. */
static const uintptr_t kernel_addresses[] = {
    0xffffffff80000000, 0xffffffff81000000, 0xffffffffff600000, 0xffffffffffffff00,
    0xffff888000000000, 0xffff800000000000, 0xffffc90000000000, 0x0000800000000000,
    0x00007ffffffff000, 0x8000000000000000,
};
#define COUNT (sizeof kernel_addresses / sizeof *kernel_addresses)

static sigjmp_buf back;
static volatile sig_atomic_t last_signal;

static void caught(int signal)
{
    last_signal = signal;
    siglongjmp(back, 1);
}

/* Which signal an act ends in, 0: none. */
#define SIGNAL_OF(...)                                                                             \
    (last_signal = 0, sigsetjmp(back, 1) == 0 ? (void)({ __VA_ARGS__; }) : (void)0, last_signal)

static void read_address(uintptr_t address)
{
    (void)*(volatile char *)address;
}

static void write_address(uintptr_t address)
{
    *(volatile char *)address = 1;
}

static void call_address(uintptr_t address)
{
    ((void (*)(void))address)();
}

static void check_memory(struct probe_checks *checks)
{
    for (size_t i = 0; i < COUNT; i++) {
        PROBE_CHECK(checks, SIGNAL_OF(read_address(kernel_addresses[i])) == SIGSEGV);
        PROBE_CHECK(checks, SIGNAL_OF(write_address(kernel_addresses[i])) == SIGSEGV);
        PROBE_CHECK(checks, SIGNAL_OF(call_address(kernel_addresses[i])) == SIGSEGV);
    }
}

static void check_calls(struct probe_checks *checks)
{
    struct iovec vector = {.iov_len = 8};
    int pipe_ends[2];
    PROBE_CHECK(checks, pipe(pipe_ends) == 0);
    for (size_t i = 0; i < COUNT; i++) {
        void *address = (void *)kernel_addresses[i];
        vector.iov_base = address;
        PROBE_CHECK(checks, write(pipe_ends[1], address, 8) == -1 && errno == EFAULT);
        PROBE_CHECK(checks, writev(pipe_ends[1], &vector, 1) == -1 && errno == EFAULT);
        PROBE_CHECK(checks,
                    syscall(SYS_clock_gettime, CLOCK_REALTIME, address) == -1 && errno == EFAULT);
        PROBE_CHECK(checks, syscall(SYS_uname, address) == -1 && errno == EFAULT);
        PROBE_CHECK(checks, syscall(SYS_getrandom, address, 8, 0) == -1 && errno == EFAULT);
        PROBE_CHECK(checks,
                    syscall(SYS_newfstatat, -100, "/", address, 0) == -1 && errno == EFAULT);
        PROBE_CHECK(checks, syscall(SYS_openat, -100, address, 0) == -1 && errno == EFAULT);
        PROBE_CHECK(checks,
                    syscall(SYS_rt_sigaction, SIGUSR1, address, NULL, 8) == -1 && errno == EFAULT);
    }
    /* Bytes that begin in the program's half and end behind it. */
    PROBE_CHECK(checks,
                write(pipe_ends[1], (void *)0x00007fffffffeffc, 64) == -1 && errno == EFAULT);
}

static void check_instructions(struct probe_checks *checks)
{
    uint64_t word = 0;
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("hlt")) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("cli")) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("swapgs")) == SIGSEGV || last_signal == SIGILL);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("movq %%cr3, %0" : "=r"(word))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("movq %0, %%cr0" : : "r"(word))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("outb %%al, $0x80" : : "a"(0))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("inb $0x60, %%al" : "=a"(word))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile(
                            "rdmsr" : "=a"(word) : "c"(0xc0000082) : "rdx")) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("wrmsr" : : "c"(0xc0000100), "a"(0), "d"(0))) ==
                            SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("int $14")) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("int $0x40")) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("ud2")) == SIGILL);
}

/* UMIP: the tables' addresses are not for ring 3. */
static void check_tables(struct probe_checks *checks)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) table = {0, 0};
    uint64_t word = 0;
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("sgdt %0" : "=m"(table))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("sidt %0" : "=m"(table))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("sldt %0" : "=m"(table))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("str %0" : "=r"(word))) == SIGSEGV);
    PROBE_CHECK(checks, SIGNAL_OF(__asm__ volatile("smsw %0" : "=r"(word))) == SIGSEGV);
}

#define CALL_GETPID 39 /* here SYS_getpid is the C library's word for it, not the number */

/* A call leaves RCX and R11 as the processor does, and every other register as it was. */
static void check_registers(struct probe_checks *checks)
{
    uint64_t result = CALL_GETPID, rcx, rdx = 1, rsi = 2, rdi = 3;
    register uint64_t r8 __asm__("r8") = 4;
    register uint64_t r9 __asm__("r9") = 5;
    register uint64_t r10 __asm__("r10") = 6;
    register uint64_t r11 __asm__("r11");
    __asm__ volatile("syscall"
                     : "+a"(result), "=c"(rcx), "+d"(rdx), "+S"(rsi), "+D"(rdi), "+r"(r8), "+r"(r9),
                       "+r"(r10), "=r"(r11)
                     :
                     : "memory");
    PROBE_CHECK(checks, rdx == 1 && rsi == 2 && rdi == 3 && r8 == 4 && r9 == 5 && r10 == 6);
    PROBE_CHECK(checks, (long)result > 0 && rcx < 1UL << 47 && (r11 & ~0xfffUL) == 0);
}

int main(void)
{
    struct probe_checks checks = {0};
    struct sigaction action = {.sa_handler = caught};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGTRAP, &action, NULL);
    check_memory(&checks);
    check_calls(&checks);
    check_instructions(&checks);
    check_registers(&checks);
    check_tables(&checks);
    return probe_done("ring", &checks);
}
