/*
 * Calls at random from several threads, with arguments that are wrong in every way, in memory that
 * another thread takes away and gives back meanwhile: the kernel answers, and goes on.
 *
 * It refuses to run anywhere but in an image. Left out are calls that would end the program or take
 * what it needs to go on: its memory, its handlers, its thread pointer. Signals end calls that
 * wait. Arguments: seed, count of calls; a third has each call told.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "draw.h"

#define PAGE 4096UL
#define PAGES 16
#define OUTPUT 900 /* above the descriptors that calls get at random */
#define NUMBERS 470
#define WORKERS 3

static const unsigned short left_out[] = {
    /* Ends: exit, exit_group, the kill family, rt_sigreturn, reboot. */
    60,
    231,
    62,
    200,
    234,
    129,
    297,
    15,
    169,
    424,
    /* The program's own: rt_sigaction, arch_prctl, clone and its like, sigaltstack, rseq. */
    13,
    158,
    56,
    57,
    58,
    435,
    131,
    334,
    218,
    273,
    /* Waits that no signal may end: pause by masks of their own, timers with signals of their own.
     */
    34,
    130,
    222,
    219,
    /* All descriptors at once. */
    436,
};

static unsigned char *scratch; /* PAGES pages, then one that cannot be read */
static unsigned char *constant;
static unsigned char
    *moving;                /* PAGES pages that only calls use, with all kinds of access by turns */
static unsigned long calls; /* of each worker */
static atomic_uint done;
static _Thread_local uint64_t state;
static bool is_told; /* which calls are made, to find the one that breaks something */

static uint64_t draw(void)
{
    return draw_from(&state);
}

static uint64_t below(uint64_t limit)
{
    return (draw() >> 11) % limit;
}

static bool is_left_out(unsigned number)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (left_out[i] == number) {
            return true;
        }
    }
    return false;
}

static uint64_t address(void)
{
    static const uint64_t bad[] = {
        0,
        1,
        0x1000,
        0xfff8,
        0x7fffffffefff,
        0x7ffffffff000,
        0x800000000000,
        0xffff800000000000,
        0xffffffff80000000,
        0xffffffffffffffff,
        0xfffffffffffffff8,
        0x8000000000000000,
    };
    switch (below(6)) {
    case 0:
        return bad[below(sizeof bad / sizeof *bad)];
    case 1: /* ends where memory does */
        return (uint64_t)scratch + PAGES * PAGE - below(64);
    case 2:
        return (uint64_t)constant + below(PAGE);
    case 3:
        return below(2) ? (uint64_t)moving + below(PAGES * PAGE)
                        : (uint64_t)scratch + PAGES * PAGE + below(PAGE);
    default:
        return (uint64_t)scratch + (below(PAGES * PAGE - 256) & ~7UL);
    }
}

static uint64_t argument(void)
{
    static const uint64_t numbers[] = {
        0,
        1,
        2,
        3,
        4,
        8,
        16,
        100,
        4096,
        65536,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x7fffffffffffffff,
        0x8000000000000000,
        UINT64_MAX,
        (uint64_t)-100,
        (uint64_t)-4096,
    };
    switch (below(8)) {
    case 0:
        return draw();
    case 1:
        return 1UL << below(64);
    case 2:
        return numbers[below(sizeof numbers / sizeof *numbers)];
    case 3:
    case 4:
        return below(40);
    default:
        return address();
    }
}

/* Paths, descriptors and numbers in memory. */
static void fill(void)
{
    static const char *const paths[] = {
        "/",  "/dev/null",   "/dev/zero",     "/tmp/a", "/tmp/b/c", "/proc/self/fd",
        "..", "/dev/random", "/proc/meminfo", "",       "/tmp/b"};
    for (unsigned i = 0; i < 8; i++) {
        size_t at = below(PAGES * PAGE - 256) & ~7UL;
        for (unsigned word = 0; word < 8; word++) {
            uint64_t value = argument();
            memcpy(scratch + at + 8 * word, &value, sizeof value);
        }
        at = below(PAGES * PAGE - 256) & ~7UL;
        strcpy((char *)scratch + at, paths[below(sizeof paths / sizeof *paths)]);
    }
}

static bool is_of_memory(unsigned number)
{
    /* mmap, mprotect, munmap, brk, mremap, madvise, remap_file_pages, mlock2, process_madvise… */
    return (number >= 9 && number <= 12) || number == 25 || number == 28 || number == 216 ||
           number == 30 || number == 31 || number == 67 || number == 440 || number == 453;
}

/* pselect6, ppoll, epoll_pwait and epoll_pwait2 could hold back signals while they wait. */
static bool has_mask(unsigned number)
{
    return number == 270 || number == 271 || number == 281 || number == 441;
}

static void one_call(void)
{
    unsigned number = (unsigned)below(NUMBERS);
    uint64_t arguments[6];
    for (unsigned i = 0; i < 6; i++) {
        arguments[i] = argument();
    }
    if (is_left_out(number)) {
        return;
    }
    if (is_of_memory(number)) {
        /* Only where nothing of the program lies. */
        arguments[0] = below(2) ? 0x123450000000UL + below(64) * PAGE : argument() | 1UL << 63;
        arguments[1] = below(3) ? below(16) * PAGE : arguments[1] | 1UL << 63;
        arguments[4] = (uint64_t)-1;
        if (number == 9) {
            arguments[3] &= ~0x10UL; /* MAP_FIXED */
        }
    }
    if (has_mask(number)) {
        memset(&arguments[3], 0, 3 * sizeof *arguments);
    }
    if (is_told) {
        dprintf(OUTPUT, "%u %lx %lx %lx %lx %lx %lx\n", number, arguments[0], arguments[1],
                arguments[2], arguments[3], arguments[4], arguments[5]);
    }
    (void)call_with(number, arguments);
}

static void ignore(int signal)
{
    (void)signal;
}

/* On another kernel the calls would change the machine: files, devices, clocks, other processes. */
static bool is_at_home(void)
{
    struct utsname system;
    return uname(&system) == 0 && strcmp(system.version, "unibuild") == 0;
}

static void *work(void *seed)
{
    sigset_t none;
    sigemptyset(&none);
    state = (uint64_t)seed;
    for (unsigned long i = 0; i < calls; i++) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (i % 64 == 0) {
            fill();
        }
        one_call();
    }
    atomic_fetch_add(&done, 1);
    for (;;) { /* what a thread needs to end may be gone */
        pause();
    }
}

/* What calls use vanishes and comes back under them, and no call waits for long. */
static void disturb(const pthread_t *workers)
{
    static const int accesses[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    while (atomic_load(&done) < WORKERS) {
        unsigned char *at = moving + below(PAGES) * PAGE;
        if (below(4) == 0) {
            (void)madvise(at, PAGE, MADV_DONTNEED);
        } else if (below(4) == 0) {
            (void)mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                       -1, 0);
        } else {
            (void)mprotect(at, PAGE, accesses[below(3)]);
        }
        if (below(16) == 0) {
            pthread_kill(workers[below(WORKERS)], SIGUSR1);
            sched_yield();
        }
    }
}

int main(int count, char **words)
{
    if (!is_at_home()) {
        fputs("fuzz: only for an image: it would damage this machine\n", stderr);
        return 2;
    }
    uint64_t seed = count > 1 ? strtoul(words[1], NULL, 0) : 0;
    state = (seed + 1) * 0x9e3779b97f4a7c15UL;
    calls = (count > 2 ? strtoul(words[2], NULL, 0) : 30000) / WORKERS;
    is_told = count > 3;
    scratch =
        mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    moving = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (scratch == MAP_FAILED || constant == MAP_FAILED || moving == MAP_FAILED ||
        dup2(1, OUTPUT) != OUTPUT || mprotect(scratch + PAGES * PAGE, PAGE, PROT_NONE) != 0) {
        return 1;
    }
    for (int signal = 1; signal < _NSIG; signal++) {
        sigaction(signal, &(struct sigaction){.sa_handler = ignore}, NULL);
    }
    pthread_t workers[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        if (pthread_create(&workers[i], NULL, work, (void *)draw()) != 0) {
            return 1;
        }
    }
    disturb(workers);
    static const char line[] = "\nprobe fuzz expect=ok got=ok\n";
    _exit(write(OUTPUT, line, sizeof line - 1) == sizeof line - 1 ? 0 : 1);
}
