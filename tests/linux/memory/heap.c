/* brk, mremap, madvise, mincore, msync, mlock: what they answer and what memory holds. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t pages)
{
    return mmap(NULL, pages * PAGE, BOTH, PRIVATE, -1, 0);
}

static char *set_break(char *end)
{
    return (char *)syscall(SYS_brk, end);
}

static void test_break(void)
{
    char *start = set_break(NULL);
    NUMBER(start != NULL);
    NUMBER(set_break(start + 10000) - start);
    memset(start, 7, 10000);
    NUMBER(start[9999]);
    NUMBER(set_break(start + 100) - start);
    NUMBER(start[99]);
    NUMBER(set_break(start + 3 * PAGE) - start);
    /* The page that the heap kept in part keeps its bytes, those behind are new. */
    NUMBER(start[((uintptr_t)start + PAGE) / PAGE * PAGE - (uintptr_t)start + PAGE]);
    NUMBER(set_break((char *)(1UL << 48)) - start);
    NUMBER(set_break(NULL) - start);
}

static void test_remap(void)
{
    char *pages = map(5);
    memset(pages, 1, 4 * PAGE);
    FACT(mremap(pages + 1, PAGE, PAGE, 0));
    FACT(mremap(pages, PAGE, 0, 0));
    FACT(mremap(pages, PAGE, PAGE, 0x100));
    FACT(mremap(pages, PAGE, PAGE, MREMAP_FIXED, pages));
    NUMBER(mremap(pages, 4 * PAGE, 2 * PAGE, 0) == pages);
    FACT(mremap(pages, 2 * PAGE, 6 * PAGE, 0));
    NUMBER(mremap(pages, 2 * PAGE, 4 * PAGE, 0) == pages);
    NUMBER(pages[PAGE]);
    NUMBER(pages[2 * PAGE]);
    /* No room behind it: it has to move. */
    FACT(mremap(pages, 4 * PAGE, 6 * PAGE, 0));
    pages[3 * PAGE + 5] = 9;
    char *moved = mremap(pages, 4 * PAGE, 4096 * PAGE, MREMAP_MAYMOVE);
    NUMBER(moved != MAP_FAILED && moved != pages);
    NUMBER(moved[3 * PAGE + 5]);
    NUMBER(moved[4095 * PAGE]);
    FACT(mprotect(pages, PAGE, BOTH));
    char *target = map(8);
    memset(target, 3, 8 * PAGE);
    NUMBER(mremap(moved, 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    NUMBER(target[PAGE]);
    NUMBER(target[3 * PAGE]);
    FACT(mprotect(moved, PAGE, BOTH));
    FACT(mremap(moved, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    FACT(mremap(target, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE));
}

static void test_advice(void)
{
    char *pages = map(1024);
    memset(pages, 5, 1024 * PAGE);
    FACT(madvise(pages + PAGE, 1000 * PAGE, MADV_DONTNEED));
    NUMBER(pages[0]);
    NUMBER(pages[PAGE]);
    NUMBER(pages[1000 * PAGE]);
    NUMBER(pages[1001 * PAGE]);
    FACT(madvise(pages + 1, PAGE, MADV_DONTNEED));
    FACT(madvise(pages, PAGE, 12345));
    FACT(madvise(pages, 0, MADV_DONTNEED));
    FACT(madvise(pages, 1024 * PAGE, MADV_HUGEPAGE));
    FACT(madvise(pages, 1024 * PAGE, MADV_NOHUGEPAGE));
    FACT(madvise(pages, 1024 * PAGE, MADV_FREE));
    FACT(madvise(pages, PAGE, MADV_WILLNEED));
    FACT(munmap(pages + 8 * PAGE, PAGE));
    pages[9 * PAGE] = 6;
    FACT(madvise(pages + 7 * PAGE, 3 * PAGE, MADV_DONTNEED));
    NUMBER(pages[9 * PAGE]);
}

static void test_presence(void)
{
    unsigned char told[8];
    char *pages = map(8);
    pages[PAGE] = 1;
    pages[5 * PAGE] = 1;
    FACT(mincore(pages, 8 * PAGE, told));
    for (size_t i = 0; i < 8; i++) {
        NUMBER(told[i] & 1);
    }
    FACT(mincore(pages + 1, PAGE, told));
    FACT(mlock(pages, 3 * PAGE));
    FACT(mincore(pages, 8 * PAGE, told));
    NUMBER(told[2] & 1);
    NUMBER(told[3] & 1);
    FACT(munlock(pages, 3 * PAGE));
    FACT(munmap(pages + 4 * PAGE, PAGE));
    FACT(mincore(pages, 8 * PAGE, told));
    FACT(mlock(pages, 8 * PAGE));
    FACT(msync(pages, 4 * PAGE, MS_SYNC));
    FACT(msync(pages, 8 * PAGE, MS_SYNC));
    FACT(msync(pages + 1, PAGE, MS_SYNC));
    FACT(msync(pages, PAGE, MS_SYNC | MS_ASYNC));
    FACT(mlockall(0));
    char *full = mmap(NULL, 4 * PAGE, BOTH, PRIVATE | MAP_POPULATE, -1, 0);
    FACT(mincore(full, 4 * PAGE, told));
    NUMBER(told[0] & told[3] & 1);
}

/* As a C library uses all of it. */
static void test_library(void)
{
    unsigned long wrong = 0;
    char *blocks[64] = {0};
    size_t sizes[64] = {0};
    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = i * 31 % 64;
        if (blocks[at] != NULL) {
            wrong += blocks[at][0] != (char)at || blocks[at][sizes[at] - 1] != (char)at;
        }
        sizes[at] = 1 + i * 7919UL % (i % 100 == 0 ? 1000000 : 3000);
        blocks[at] = realloc(blocks[at], sizes[at]);
        blocks[at][0] = (char)at;
        blocks[at][sizes[at] - 1] = (char)at;
        if (i % 3 == 0) {
            free(blocks[at]);
            blocks[at] = NULL;
        }
    }
    NUMBER(wrong);
}

int main(void)
{
    test_break();
    test_remap();
    test_advice();
    test_presence();
    test_library();
    return 0;
}
