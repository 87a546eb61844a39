/* mmap, munmap and mprotect: what they answer, and what memory holds afterwards. */
#include <fcntl.h>
#include <stdint.h>
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

static void test_refused(void)
{
    char *page = map(1);
    FACT(mmap(NULL, 0, BOTH, PRIVATE, -1, 0));
    FACT(mmap(NULL, PAGE, BOTH, MAP_ANONYMOUS, -1, 0));
    FACT(mmap(NULL, PAGE, BOTH, MAP_PRIVATE, -1, 0));
    FACT(mmap(NULL, PAGE, BOTH, MAP_PRIVATE, -1, 1));
    FACT(mmap(page + 1, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0));
    FACT(mmap((void *)0x7ffffffff000, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0));
    FACT(mmap(NULL, SIZE_MAX / 2, BOTH, PRIVATE, -1, 0));
    FACT(mmap(NULL, 1UL << 44, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0));
    FACT(mmap(page, PAGE, BOTH, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0));
    FACT(munmap(page + 1, PAGE));
    FACT(munmap(page, 0));
    FACT(munmap((void *)(1UL << 47), PAGE));
    FACT(syscall(SYS_mprotect, page + 1, PAGE, BOTH)); /* musl rounds */
    FACT(mprotect(page, 0, BOTH));
    FACT(mprotect(page, PAGE, 0x100));
    FACT(munmap(page, PAGE));
    FACT(munmap(page, PAGE));
    FACT(mprotect(page, PAGE, PROT_READ));
}

/* Pieces of one mapping change and go. */
static void test_pieces(void)
{
    char *pages = map(8);
    for (size_t i = 0; i < 8; i++) {
        NUMBER(pages[i * PAGE]);
        pages[i * PAGE] = (char)(i + 1);
    }
    FACT(munmap(pages + 2 * PAGE, PAGE));
    FACT(mprotect(pages, 8 * PAGE, PROT_READ));
    FACT(mprotect(pages + 3 * PAGE, PAGE, PROT_NONE));
    FACT(mprotect(pages + 3 * PAGE, 2 * PAGE, BOTH));
    NUMBER(pages[3 * PAGE]);
    pages[4 * PAGE]++;
    NUMBER(pages[4 * PAGE]);
    /* New memory over old is empty; what is beside it stays. */
    char *over = mmap(pages + 4 * PAGE, 2 * PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0);
    NUMBER(over == pages + 4 * PAGE);
    NUMBER(pages[4 * PAGE]);
    NUMBER(pages[6 * PAGE]);
    /* A wish for a free place is granted, one for a taken place gets another. */
    NUMBER(mmap(pages + 2 * PAGE, PAGE, BOTH, PRIVATE, -1, 0) == pages + 2 * PAGE);
    NUMBER(mmap(pages + 2 * PAGE, PAGE, BOTH, PRIVATE, -1, 0) == pages + 2 * PAGE);
    FACT(munmap(pages, 8 * PAGE));
}

/* As garbage collectors do: a huge range without access, of which pieces are made usable. */
static void test_reservation(void)
{
    size_t size = 1UL << 38;
    char *range = mmap(NULL, size, PROT_NONE, PRIVATE, -1, 0);
    NUMBER(range != MAP_FAILED);
    for (size_t at = 0; at < size; at += size / 16) {
        char *piece = mmap(range + at, 64 << 20, BOTH, PRIVATE | MAP_FIXED, -1, 0);
        piece[5 * PAGE] = 1;
        piece[(64 << 20) - 1] = 2;
    }
    NUMBER(range[size / 16 + 5 * PAGE]);
    NUMBER(range[size / 16 + (64 << 20) - 1]);
    FACT(munmap(range, size));
    FACT(mprotect(range, PAGE, BOTH));
}

/* The program's own file: what is written stays in the mapping. */
static void test_file(char *path)
{
    char magic[4];
    int file = open(path, O_RDONLY);
    FACT(read(file, magic, sizeof magic));
    FACT(mmap(NULL, PAGE, BOTH, MAP_SHARED, file, 0));
    char *bytes = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    NUMBER(memcmp(bytes, magic, sizeof magic));
    FACT(mprotect(bytes, 2 * PAGE, BOTH));
    char before = bytes[PAGE + 1];
    bytes[1] = 'X';
    NUMBER(bytes[1]);
    NUMBER(bytes[2]);
    NUMBER(bytes[PAGE + 1] == before);
    FACT(mprotect(bytes, PAGE, PROT_READ));
    FACT(munmap(bytes, 2 * PAGE));
    char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    NUMBER(memcmp(shared, magic, sizeof magic));
    FACT(mprotect(shared, PAGE, BOTH));
    FACT(close(file));
    NUMBER(shared[3]);
    FACT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0));
    int directory = open("/", O_RDONLY | O_DIRECTORY);
    FACT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0));
}

static unsigned long order(unsigned long i, unsigned long count)
{
    return i * 7919 % count;
}

/* Thousands of areas, made and undone in another order. */
static void test_many(void)
{
    enum { COUNT = 6000 };
    char *range = mmap(NULL, COUNT * 2 * PAGE, PROT_NONE, PRIVATE, -1, 0);
    for (unsigned long i = 0; i < COUNT; i++) {
        char *at = range + order(i, COUNT) * 2 * PAGE;
        if (mprotect(at, PAGE, BOTH) != 0) {
            NUMBER(i);
            return;
        }
        *(unsigned long *)at = i;
    }
    unsigned long wrong = 0;
    for (unsigned long i = 0; i < COUNT; i++) {
        char *at = range + order(COUNT - 1 - i, COUNT) * 2 * PAGE;
        wrong += *(unsigned long *)at != COUNT - 1 - i;
        munmap(at, 2 * PAGE);
    }
    NUMBER(wrong);
    FACT(mprotect(range, PAGE, BOTH));
}

int main(int count, char **words)
{
    (void)count;
    test_refused();
    test_pieces();
    test_reservation();
    test_file(words[0]);
    test_many();
    return 0;
}
