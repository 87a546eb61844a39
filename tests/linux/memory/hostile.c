/*
 * Arguments that no sane program passes: each call has to answer, and what it answers is summed up
 * by error. Ranges that begin in the program's half end in the window, so that it keeps its memory.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define WINDOW (64 * PAGE)
#define ROUNDS 60000

static uint64_t state = 88172645463325252ULL;
static uint64_t window;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static const uint64_t numbers[] = {
    0,
    1,
    4095,
    4096,
    4097,
    1UL << 31,
    1UL << 32,
    1UL << 40,
    1UL << 46,
    1UL << 47,
    1UL << 48,
    1UL << 62,
    1UL << 63,
    UINT64_MAX,
    -4096UL,
    -4097UL,
    INT64_MAX,
    0x7ffffffff000,
    0x800000000000,
    0xffff800000000000,
    0xffffffff80000000,
    0xffffe08000000000,
    0xfffffffffffff000,
};
#define NUMBERS (sizeof numbers / sizeof *numbers)

static uint64_t number(void)
{
    uint64_t drawn = numbers[draw() % NUMBERS];
    return draw() % 4 == 0 ? drawn + draw() % 3 * PAGE : drawn;
}

/* An address outside the program's half, or with an offset that makes it no page. */
static uint64_t bad_address(void)
{
    switch (draw() % 3) {
    case 0:
        return 0x800000000000 + draw() % (1UL << 50) * PAGE;
    case 1:
        return UINT64_MAX - draw() % (1UL << 40);
    default:
        return window + draw() % 60 * PAGE + 1 + draw() % 4094;
    }
}

static long call(unsigned which)
{
    uint64_t inside = window + draw() % 48 * PAGE;
    uint64_t small = draw() % (16 * PAGE);
    uint64_t flags = draw() % 0x1000 & ~(uint64_t)(MAP_FIXED | MAP_POPULATE | MAP_32BIT);
    switch (which) {
    case 0: {
        long mapped = syscall(SYS_mmap, number(), number(), draw() % 8 & 3, flags, -1, number());
        if (mapped != -1) {
            return 0; /* whether there is room is told by memory, not by the arguments */
        }
        return mapped;
    }
    case 1:
        return syscall(SYS_munmap, bad_address(), number());
    case 2:
        return syscall(SYS_mprotect, bad_address(), number() | 1, draw() % 4);
    case 3:
        return syscall(SYS_madvise, bad_address(), number() | 1, MADV_DONTNEED);
    case 4:
        return syscall(SYS_mremap, bad_address(), number(), number(), draw() % 4, bad_address());
    case 5:
        return syscall(SYS_mremap, inside, small, number(), MREMAP_MAYMOVE | MREMAP_FIXED,
                       bad_address());
    case 6:
        return syscall(SYS_mincore, inside, small, bad_address() | 1UL << 63);
    case 7:
        return syscall(SYS_mincore, bad_address(), number(), inside);
    case 8:
        return syscall(SYS_msync, bad_address(), number(), draw());
    case 9:
        return syscall(SYS_mlock, 0x800000000000 + draw() % (1UL << 50), small);
    case 10:
        return syscall(SYS_brk, bad_address() | 1UL << 63) > 0;
    default:
        return syscall(SYS_madvise, inside, small, draw());
    }
}

int main(void)
{
    unsigned long answered[12] = {0};
    window =
        (uint64_t)mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset((void *)window, 1, WINDOW);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned which = 1 + (unsigned)(draw() % 11);
        errno = 0;
        long result = call(which);
        if (which == 10 || (result != -1 && which != 11 && which != 8)) {
            continue;
        }
        answered[which]++;
    }
    for (unsigned i = 0; i < ROUNDS / 8; i++) {
        call(0);
    }
    for (unsigned which = 1; which < 10; which++) {
        printf("call %u: %s\n", which, answered[which] != 0 ? "refused" : "never refused");
    }
    printf("window: %d\n", *(char *)(window + 63 * PAGE));
    return 0;
}
